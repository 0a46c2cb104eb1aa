// Every neuron of every layer as a cell: activation, ∂L/∂z and bias. The graph shows only a sample; here no neuron is
// left out, and dead or saturated ones are easy to see.

import { fit, tint } from "./canvas.js";
import { Cells } from "./cells.js";
import { colours } from "./colours.js";
import { fullActivation, inWords, largest, unpack } from "./decode.js";
import { byId, make, write } from "./dom.js";
import { describe } from "./layers_table.js";

const ROWS = [
  { part: "activations", name: "activation", ramp: "activation" },
  { part: "deltas", name: "∂L/∂z", ramp: "signed" },
  { part: "biases", name: "bias", ramp: "signed" },
];
const [ROW, GAP, LEAST, WIDEST] = [13, 2, 7, 30]; // heights of a row and the gap below it, limits of a cell's width; pixels

export class Strips {
  constructor(state) {
    this.state = state;
    this.strips = [];
  }

  draw() {
    const { frame } = this.state;
    const list = byId("strips");
    if (!frame || !this.state.settings || !list.clientWidth) return;
    while (this.strips.length > frame.layers.length) this.strips.pop().element.remove();
    frame.layers.forEach((layer, l) => {
      if (!this.strips[l]) this.strips.push(new Strip(this.state, l));
      if (!this.strips[l].element.isConnected) list.append(this.strips[l].element);
      this.strips[l].draw(layer);
    });
  }
}

class Strip {
  constructor(state, layer) {
    this.state = state;
    this.layer = layer;
    this.canvas = make("canvas", { tabindex: "0", "data-layer": layer });
    this.title = make("h3");
    const names = make("div", { class: "strip-names", "aria-hidden": true }, ...ROWS.map(({ name }) => make("span", {}, name)));
    this.element = make("div", { class: "strip" }, this.title, names, this.canvas);
    this.cells = new Cells(this.canvas, {
      box: (i) => this.box(i),
      about: (i) => this.about(i),
      choose: (i) => state.set("selected", { layer, neuron: i, row: 0, column: 0 }),
      changed: () => this.draw(),
    });
  }

  draw(layer = this.state.frame.layers[this.layer]) {
    const wide = this.canvas.clientWidth;
    const lines = Math.ceil((layer.units * LEAST) / wide);
    this.columns = Math.ceil(layer.units / lines);
    this.width = Math.min(WIDEST, wide / this.columns);
    this.tall = ROWS.length * (ROW + GAP); // of one line of cells
    Object.assign(this.cells, { count: layer.units, columns: this.columns });
    this.canvas.style.height = `${lines * (this.tall + 4) - 4}px`;
    write(this.title, `${this.state.layerName(this.layer)}, ${describe(layer)}`);
    if (!this.canvas.hasAttribute("aria-label")) this.canvas.setAttribute("aria-label", `${this.title.textContent}: arrow keys move, Enter opens`);

    const [context] = fit(this.canvas);
    this.values = ROWS.map(({ part }) => unpack(layer[part]));
    ROWS.forEach(({ part, ramp }, r) => {
      const most = part === "activations" ? fullActivation(layer, this.values[r]) : largest(this.values[r]) || 1;
      this.values[r].forEach((value, i) => {
        const { x, y } = this.box(i);
        context.fillStyle = tint(ramp, value / most);
        context.fillRect(x, y + r * (ROW + GAP), this.width - 1, ROW);
      });
    });
    const { selected } = this.state;
    if (selected?.layer === this.layer) this.#mark(context, selected.neuron, 2);
    if (this.cells.focused >= 0) this.#mark(context, this.cells.focused, 2);
  }

  #mark(context, i, thick) {
    const { x, y, width, height } = this.box(i);
    context.strokeStyle = colours.positive;
    context.lineWidth = thick;
    context.strokeRect(x - 0.5, y + 0.5, width, height - 2);
  }

  box(i) {
    const line = Math.floor(i / this.columns);
    return { x: (i % this.columns) * this.width, y: line * (this.tall + 4), width: this.width, height: this.tall };
  }

  about(i) {
    const layer = this.state.frame.layers[this.layer];
    const [activation, delta, bias] = ROWS.map(({ part }, r) => inWords(layer[part], this.values[r][i]));
    return `${this.state.neuronName(this.layer, i)}: activation ${activation}, ∂L/∂z ${delta}, bias ${bias}.`;
  }
}
