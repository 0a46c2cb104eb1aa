// The first layer's weights as pictures, and their gradients in the same places beside them: what each neuron looks for,
// and how the loss of the last batch changes with these weights.

import { fit, picture } from "./canvas.js";
import { Cells } from "./cells.js";
import { colours } from "./colours.js";
import { largest, unpack } from "./decode.js";
import { byId, write } from "./dom.js";
import { short } from "./numbers.js";

const [GAP, LARGEST] = [4, 140]; // pixels

export class Tiles {
  constructor(state) {
    this.state = state;
    this.walls = ["weights", "gradients"].map((part) => new Wall(state, part));
  }

  draw() {
    const { tiles, frame, settings } = this.state;
    if (!tiles?.units.length || !this.walls[0].canvas.clientWidth || !frame || !settings) return;
    for (const wall of this.walls) wall.draw(tiles);
    const { units } = frame.layers[0];
    write(byId("tiles-note"), tiles.units.length < units ? `${tiles.units.length} of ${units} shown` : "");
  }
}

class Wall {
  constructor(state, part) {
    this.state = state;
    this.part = part;
    this.canvas = byId(`tiles-${part}`);
    this.scale = byId(`tiles-${part}-scale`);
    this.cells = new Cells(this.canvas, {
      box: (i) => this.box(i),
      about: (i) => this.about(i),
      choose: (i) => state.set("selected", { layer: 0, neuron: this.state.tiles.units[i], row: 0, column: 0 }),
      changed: () => this.draw(state.tiles),
    });
  }

  draw(tiles) {
    const n = tiles.units.length;
    const wide = this.canvas.clientWidth;
    this.columns = Math.ceil(Math.sqrt(n));
    this.size = Math.min(LARGEST, (wide + GAP) / this.columns - GAP);
    const lines = Math.ceil(n / this.columns);
    this.canvas.style.height = `${lines * (this.size + GAP) - GAP}px`;
    this.cells.count = n;
    this.cells.columns = this.columns;

    const [context] = fit(this.canvas);
    const values = tiles[this.part].map(unpack);
    // One scale for all tiles, so that they can be compared: the mean of their largest values. With the largest of all,
    // one outlier would make the other tiles pale.
    const scale = values.reduce((sum, tile) => sum + largest(tile), 0) / n;
    values.forEach((tile, i) => {
      const { x, y } = this.box(i);
      picture(context, tile, x, y, this.size, "signed", scale, tiles.columns);
      if (this.#marked(i)) {
        context.strokeStyle = colours.ink;
        context.lineWidth = 2;
        context.strokeRect(x, y, this.size, this.size);
      }
    });
    write(this.scale, `±${short(scale, 2)}`);
    if (!this.canvas.hasAttribute("aria-label")) this.canvas.setAttribute("aria-label", `${n} tiles of ${this.part}: arrow keys move, Enter opens`);
  }

  #marked(i) {
    const { selected, tiles } = this.state;
    return i === this.cells.focused || (selected?.layer === 0 && selected.neuron === tiles.units[i]);
  }

  box(i) {
    const [column, line] = [i % this.columns, Math.floor(i / this.columns)];
    const step = this.size + GAP;
    return { x: column * step, y: line * step, width: this.size, height: this.size };
  }

  about(i) {
    const { units } = this.state.tiles;
    const values = unpack(this.state.tiles[this.part][i]);
    const what = this.part === "weights" ? "weights" : "gradients of its weights";
    return `${this.state.neuronName(0, units[i])}: ${what} from ${short(Math.min(...values), 2)} to ${short(Math.max(...values), 2)}.`;
  }
}
