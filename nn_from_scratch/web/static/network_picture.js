// The network as a graph: the image, a column of neurons or feature maps for each layer, and the outputs. One class draws
// every scene: forward, backward, and the beats of a step (scenes.js). Each neuron is a real button over the canvas, so
// that it can be reached without a mouse; each line can be clicked, to see the history of its weight.

import { fit, inBox, picture, tint } from "./canvas.js";
import { colours } from "./colours.js";
import { bytes, fullActivation, inWords, largest, unpack } from "./decode.js";
import { make, remSize, write } from "./dom.js";
import { explain } from "./explain.js";
import { count, fixed, plain, short } from "./numbers.js";
import { arriving, BEND, heightAt, layOut, leaving } from "./picture_layout.js";
import { backwardScene, CHANGE, forwardScene, FLOW, lessonScene, WEIGHT } from "./scenes.js";
import { calledOf, winner } from "./state.js";

const WAYS = {
  forward: { title: "Forward: from the image to an answer", ramp: "activation", values: "activations", maps: "maps" },
  backward: { title: "Backward: from the error to the weights that must change", ramp: "signed", values: "deltas", maps: "delta_maps" },
};
const NEAR = 6; // pixels: a click no farther from a line hits it
const EASE = 110; // milliseconds in which a frame passes into the next
const GROWTH = 0.35; // of the widest line: the largest change of a weight, as it is drawn

export class NetworkPicture {
  edges = "weight"; // or "flow", weight × activation
  lines = []; // as drawn: {layer, unit, input, from, to, value}

  constructor(figure, state, redraw) {
    Object.assign(this, { figure, state, redraw, phase: figure.dataset.phase });
    this.title = make("figcaption", {}, WAYS[this.phase].title);
    this.canvas = make("canvas", { "aria-hidden": true });
    this.neurons = make("div", { class: "neurons", role: "group", "aria-label": `Neurons, ${this.phase}: arrow keys move, Enter opens` });
    this.captions = make("div", { class: "captions" });
    this.outputs = make("ol", { class: "outputs bars" });
    this.legend = make("p", { class: "picture-legend" });
    this.stage = make("div", { class: "stage" }, this.canvas, this.neurons, this.captions, this.legend, this.outputs);
    figure.append(this.title, this.stage);
    this.buttons = new Map(); // "layer:unit" → button
    this.neurons.addEventListener("click", (event) => this.#open(event));
    this.neurons.addEventListener("keydown", (event) => this.#move(event));
    this.stage.addEventListener("pointermove", (event) => this.#point(event));
    this.stage.addEventListener("click", (event) => this.#openLine(event));
    explain.parts(this.neurons, (target) => target.matches("button") && this.#about(target));
    explain.on(this.outputs, this.phase === "forward" ? "outputs" : "output_deltas");
  }

  scene() {
    if (this.phase === "backward") return backwardScene(this.state);
    if (this.state.frame.before) return lessonScene(this.state);
    return forwardScene(this.state, this.edges === "flow" ? FLOW : WEIGHT);
  }

  draw() {
    const { frame, settings } = this.state;
    if (!frame || !settings || this.figure.hidden) return;
    const scene = this.scene();
    const { layers } = scene;
    const [context, width, height] = fit(this.canvas);
    this.#layOut(frame, layers, width, height);
    this.#ease(frame, scene);
    this.lines = [];
    layers.forEach((_, l) => this.#revealed(context, scene, l, height, () => this.#drawEdges(context, scene, l)));
    this.#drawImage(context, scene);
    layers.forEach((_, l) => this.#drawUnits(context, scene, l));
    this.#drawChosenLine(context);
    this.#writeOutputs(scene);
    this.#writeCaptions(scene);
    this.#writeLegend(scene);
  }

  /** Only if something has another size: placing the buttons makes the browser lay out the page again. */
  #layOut({ run }, layers, width, height) {
    const sizes = { outputsWidth: this.outputs.offsetWidth, legendHeight: this.legend.offsetHeight, rem: remSize() };
    const key = JSON.stringify([run, width, height, sizes]);
    if (key === this.laidOut) return;
    this.laidOut = key;
    this.layout = layOut(layers, width, height, sizes);
    this.stage.style.setProperty("--captions", `${this.layout.captions}px`);
    this.captions.classList.toggle("narrow", this.layout.narrow);
    this.#placeButtons(layers);
  }

  // ---- motion ----

  /** A new frame: the picture moves smoothly into it, except in a lesson or if the visitor asked for reduced motion. */
  #ease(frame, scene) {
    const now = performance.now();
    const key = `${frame.run}/${frame.step}/${this.phase}/${scene.part}`;
    if (key !== this.key) {
      const moving = this.key?.startsWith(`${frame.run}/`) && this.state.settings.state === "training" && !scene.name;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.old = moving && !calm ? this.values : null;
      this.values = new Map();
      this.key = key;
      this.since = now;
    }
    this.share = this.old ? Math.min(1, (now - this.since) / EASE) : 1;
    if (this.share < 1) setTimeout(() => this.redraw(this), EASE / 2); // more pictures would take time and show little more
  }

  /** A value on its way from the last frame to this one. */
  #eased(key, value) {
    this.values.set(key, value);
    const before = this.share < 1 ? this.old.get(key) : undefined;
    return before === undefined ? value : before + this.share * (value - before);
  }

  /** Draw what leads to a layer, as far as the scene has come. */
  #revealed(context, { way, reveal }, l, height, draw) {
    const share = reveal(l);
    if (share <= 0) return;
    const { columns, image } = this.layout;
    const [from, to] = [l ? columns[l - 1] : image.x, columns[l] + 2];
    context.save();
    context.beginPath();
    if (way === "forward") context.rect(from, 0, (to - from) * share, height);
    else context.rect(to - (to - from) * share, 0, (to - from) * share, height);
    if (share < 1) context.clip();
    draw();
    context.restore();
  }

  // ---- the parts ----

  #placeButtons(layers) {
    const before = this.buttons;
    this.buttons = new Map();
    for (const [key, { x, y, half }] of this.layout.places) {
      const [layer, neuron] = key.split(":").map(Number);
      const button = before.get(key) ?? make("button", { type: "button", tabindex: "-1", "data-layer": layer, "data-neuron": neuron });
      const size = Math.max(10, 2 * half + 3);
      Object.assign(button.style, { left: `${x - size / 2}px`, top: `${y - size / 2}px`, width: `${size}px`, height: `${size}px` });
      button.classList.toggle("map", Boolean(layers[layer].shape));
      const name = this.state.neuronName(layer, neuron);
      if (button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
      if (!button.isConnected) this.neurons.append(button);
      this.buttons.set(key, button);
    }
    for (const [key, button] of before) if (!this.buttons.has(key)) button.remove();
    // One neuron is in the tab order; from it the arrow keys lead to all others.
    if (!this.neurons.querySelector('[tabindex="0"]')) this.neurons.querySelector("button")?.setAttribute("tabindex", "0");
  }

  #drawImage(context, { example }) {
    const { x, y, size } = this.layout.image;
    const [rows, columns] = this.state.settings.image;
    const { pixel, left, top } = inBox(rows, columns, size);
    picture(context, bytes(example.image), x, y, size, "ink", 255, columns);
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.strokeRect(x + left - 0.5, y + top - 0.5, columns * pixel + 1, rows * pixel + 1);
    const { field } = this.state;
    if (!field) return;
    context.strokeStyle = colours.positive;
    context.lineWidth = 2;
    context.strokeRect(x + left + field[1] * pixel, y + top + field[0] * pixel, field[3] * pixel, field[2] * pixel);
  }

  #drawEdges(context, { layers, part, moved, name }, l) {
    const { edges, shape } = layers[l];
    if (!edges.length) return this.#drawPassing(context, layers, l);
    const rows = edges.map((edge) => ({ unit: edge[0], inputs: edge[1], values: unpack(edge[part]), changes: edge[CHANGE] && unpack(edge[CHANGE]) }));
    const most = Math.max(...rows.map(({ values }) => largest(values))) || 1;
    const mostChanged = name === "update" ? Math.max(...rows.map(({ changes }) => largest(changes))) || 1 : 0;
    this.exaggeration = mostChanged ? (GROWTH * most) / mostChanged : 0;
    for (const { unit, inputs, values, changes } of rows) {
      const to = arriving(this.layout, layers, l, unit);
      inputs.forEach((input, i) => {
        const from = leaving(this.layout, layers, l, input, this.state.settings.image);
        if (!from) return;
        let value = this.#eased(`${l}/${unit}/${input}`, values[i]);
        let share = Math.abs(value) / most;
        if (mostChanged) {
          value += (moved * this.exaggeration - 1) * changes[i]; // from before the step on
          share = Math.abs(value) / most;
        }
        this.lines.push({ layer: l, unit, input, from, to, value: values[i] });
        if (share < 0.02) return;
        const stillness = mostChanged ? 0.25 + (0.75 * Math.abs(changes[i])) / mostChanged : 1;
        context.strokeStyle = shape ? colours.muted : value < 0 ? colours.negative : colours.positive;
        context.globalAlpha = (0.12 + 0.65 * share ** 1.5) * stillness * (shape ? 0.5 : 1); // so that few lines stand out, not all of them
        context.lineWidth = 0.4 + 2.6 * share ** 1.5;
        curve(context, from, to);
      });
    }
    context.globalAlpha = 1;
  }

  /** A pooling: each map goes into its own. */
  #drawPassing(context, layers, l) {
    if (!layers[l].shape) return;
    context.strokeStyle = colours.muted;
    context.globalAlpha = 0.35;
    context.lineWidth = 1;
    for (const unit of layers[l].shown) {
      const before = this.layout.places.get(`${l - 1}:${unit}`);
      if (before) curve(context, [before.x + before.half, before.y], arriving(this.layout, layers, l, unit));
    }
    context.globalAlpha = 1;
  }

  #drawUnits(context, { layers, way, reveal }, l) {
    const layer = layers[l];
    if (reveal(l) < (way === "forward" ? 0.999 : 0.001) && !(way === "backward" && l === layers.length - 1)) return this.#drawEmpty(context, layer, l);
    const { values: part, maps: mapsPart, ramp } = WAYS[way];
    if (layer.shape) return this.#drawMaps(context, layer, l, mapsPart, ramp);
    const values = unpack(layer[part]);
    const most = way === "forward" ? fullActivation(layer, values) : largest(values) || 1;
    for (const unit of layer.shown) {
      const { x, y, half } = this.layout.places.get(`${l}:${unit}`);
      circle(context, x, y, half, tint(ramp, this.#eased(`${l}:${unit}`, values[unit] / most)), this.#isChosen(l, unit));
      if (layer.dropped.includes(unit)) cross(context, x, y, half);
    }
  }

  #drawEmpty(context, layer, l) {
    for (const unit of layer.shown) {
      const { x, y, half } = this.layout.places.get(`${l}:${unit}`);
      if (layer.shape) context.strokeRect(x - half, y - half, 2 * half, 2 * half);
      else circle(context, x, y, half, colours.paper, false);
    }
  }

  #drawMaps(context, layer, l, part, ramp) {
    const [, rows, columns] = layer.shape;
    const values = unpack(layer[part]);
    const most = largest(values);
    layer.shown.forEach((unit, i) => {
      const { x, y, half } = this.layout.places.get(`${l}:${unit}`);
      picture(context, values.subarray(i * rows * columns, (i + 1) * rows * columns), x - half, y - half, 2 * half, ramp, most, columns);
      const chosen = this.#isChosen(l, unit);
      context.strokeStyle = chosen ? colours.positive : colours.line;
      context.lineWidth = chosen ? 2.5 : 1;
      context.strokeRect(x - half, y - half, 2 * half, 2 * half);
      if (!chosen) return;
      const { row, column } = this.state.selected;
      const { pixel, left, top } = inBox(rows, columns, 2 * half);
      context.lineWidth = 1.5;
      context.strokeRect(x - half + left + column * pixel - 1, y - half + top + row * pixel - 1, pixel + 2, pixel + 2);
    });
  }

  #isChosen(layer, neuron) {
    const { selected } = this.state;
    return selected?.layer === layer && selected.neuron === neuron;
  }

  /** Beside each output: its class, a bar, and the number. In a lesson the error p − t takes its place. */
  #writeOutputs({ example, layers, way, outputs, errors, errorsAre, name }) {
    const { classes, names } = this.state.settings;
    const showsErrors = errors > 0 && name !== "guess";
    const values = showsErrors ? errorsAre : (outputs ?? Array.from(unpack(layers.at(-1).deltas)));
    const most = way === "forward" || showsErrors ? 1 : largest(values) || 1;
    const { index: answer } = winner(outputs ?? example.outputs);
    this.outputs.classList.toggle("signed", showsErrors || way === "backward");
    fitNames(this.outputs, names);
    showBars(this.outputs, values.length, (row, i) => {
      const value = values[i];
      row.dataset.output = i;
      row.classList.toggle("answer", !showsErrors && way === "forward" && i === answer);
      row.classList.toggle("target", values.length > 1 && classes[i] === example.label);
      row.classList.toggle("negative", value < 0);
      row.style.setProperty("--share", String(Math.min(1, (Math.abs(value) / most) * (showsErrors ? errors : 1))));
      row.dataset.value = value;
      write(row.children[0], values.length > 1 ? names[i] : names[1]);
      write(row.children[2], way === "forward" && !showsErrors ? fixed(value, 3) : showsErrors ? signed(value) : short(value, 2));
    });
  }

  #writeCaptions({ example, layers }) {
    const { layout } = this;
    const label = example.label === null ? "your drawing" : `this is ${calledOf(this.state.settings, example.label)}`;
    const texts = [
      [layout.image.x + layout.image.size / 2, `${count(this.state.settings.sizes[0])} pixels`, label],
      ...layers.map(({ units, shown, shape }, l) => [
        layout.columns[l],
        layout.narrow ? this.state.layerName(l).replace(" layer", "") : this.state.layerName(l),
        (shown.length < units ? `${shown.length} of ${units} shown` : `${units} ${shape ? "map" : "neuron"}${units === 1 ? "" : "s"}`) +
          (shape ? `, ${shape[1]}\u00a0×\u00a0${shape[2]}` : ""),
      ]),
    ];
    while (this.captions.children.length > texts.length) this.captions.lastChild.remove();
    texts.forEach(([x, name, note], i) => {
      const caption = this.captions.children[i] ?? this.captions.appendChild(make("p", {}, make("b"), make("span")));
      caption.style.left = `${x}px`;
      caption.style.width = i ? `${layout.columnWidth - 4}px` : "";
      write(caption.children[0], name);
      write(caption.children[1], note);
    });
  }

  /** What the colours mean, in the picture itself. */
  #writeLegend({ way, part, name }) {
    const lines = { [WEIGHT]: "weight", [FLOW]: "weight × activation" }[part] ?? "slope of the loss";
    const text = name === "update" ? `changes drawn ${plain(this.exaggeration || 1)} × as large` : "";
    const key = `${way} ${part} ${text}`;
    if (this.legend.dataset.key === key) return;
    this.legend.dataset.key = key;
    const parts = [
      [way === "forward" ? "ink" : "signed", way === "forward" ? "activation: none … strong" : "∂L/∂z: below … above 0"],
      ["line positive", `${lines} above 0`],
      ["line negative", "below 0"],
    ];
    const entries = parts.map(([kind, meaning]) => make("span", {}, make("i", { class: `sample ${kind}`, "aria-hidden": true }), meaning));
    this.legend.replaceChildren(...entries, ...(text ? [make("span", {}, text)] : []));
  }

  // ---- lines ----

  #lineAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    for (const line of this.lines) {
      if (x < line.from[0] + 2 || x > line.to[0] - 2) continue;
      const distance = Math.abs(heightAt(line.from, line.to, x) - y) - Math.min(2, Math.abs(line.value));
      if (distance < NEAR && (!best || distance < best.distance)) best = { ...line, distance, x, y };
    }
    return best;
  }

  #point(event) {
    if (event.target.closest("button, .outputs")) return;
    const line = this.state.settings?.state === "training" ? null : this.#lineAt(event);
    this.stage.classList.toggle("on-line", Boolean(line));
  }

  #openLine(event) {
    if (event.target.closest("button, .outputs")) return;
    const line = this.#lineAt(event);
    if (!line || this.state.frame.layers[line.layer].shape) return;
    this.state.set("selected", { layer: line.layer, neuron: line.unit, row: 0, column: 0, input: line.input });
  }

  #drawChosenLine(context) {
    const { selected } = this.state;
    const line = selected?.input !== undefined && this.lines.find(({ layer, unit, input }) => layer === selected.layer && unit === selected.neuron && input === selected.input);
    if (!line) return;
    context.strokeStyle = colours.ink;
    context.lineWidth = 2.5;
    curve(context, line.from, line.to);
    if (line.layer > 0) return;
    const { x, y, size } = this.layout.image; // the pixel that it comes from
    const [rows, columns] = this.state.settings.image;
    const { pixel, left, top } = inBox(rows, columns, size);
    context.strokeRect(x + left + (line.input % columns) * pixel - 1, y + top + Math.floor(line.input / columns) * pixel - 1, pixel + 2, pixel + 2);
  }

  // ---- neurons ----

  #about(button) {
    const { layer: l, neuron } = numbersOf(button);
    const layer = this.state.frame.layers[l];
    const [activation, delta, bias] = ["activations", "deltas", "biases"].map((part) => inWords(layer[part], unpack(layer[part])[neuron]));
    const name = this.state.neuronName(l, neuron);
    if (layer.shape) return `${name}: mean activation ${activation}. Click a pixel of it, or press Enter, to see the sum behind it.`;
    return `${name}: activation ${activation}, bias ${bias}, ∂L/∂z ${delta}. Click, or press Enter, to see the sum behind it.`;
  }

  #open(event) {
    const button = event.target.closest("button");
    if (!button) return;
    this.#enterTabOrder(button);
    const chosen = numbersOf(button);
    const { shape } = this.state.frame.layers[chosen.layer];
    const [row, column] = shape ? this.#pixel(event, button, shape) : [0, 0];
    this.state.set("selected", { ...chosen, row, column });
  }

  /** The pixel of a map that was clicked; from the keyboard, the one in the middle. */
  #pixel({ detail, clientX, clientY }, button, [, rows, columns]) {
    if (!detail) return [Math.floor(rows / 2), Math.floor(columns / 2)];
    const box = button.getBoundingClientRect();
    const { pixel, left, top } = inBox(rows, columns, box.width);
    const at = (offset, pixels) => Math.max(0, Math.min(pixels - 1, Math.floor(offset / pixel)));
    return [at(clientY - box.top - top, rows), at(clientX - box.left - left, columns)];
  }

  /** Arrow keys: up and down within a layer, left and right to the neighbour in the next. */
  #move(event) {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    const button = event.target.closest("button");
    if (!step || !button) return;
    event.preventDefault();
    const { layer, neuron } = numbersOf(button);
    const { layers } = this.state.frame;
    const goal = Math.max(0, Math.min(layers.length - 1, layer + step[0]));
    const [here, there] = [layers[layer].shown, layers[goal].shown];
    const place = here.indexOf(neuron);
    const scaled = goal === layer ? place + step[1] : Math.floor(((place + 0.5) / here.length) * there.length);
    const next = this.buttons.get(`${goal}:${there[Math.max(0, Math.min(there.length - 1, scaled))]}`);
    this.#enterTabOrder(next);
    next.focus();
  }

  #enterTabOrder(button) {
    for (const other of this.neurons.querySelectorAll('[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
  }
}

const numbersOf = ({ dataset }) => ({ layer: Number(dataset.layer), neuron: Number(dataset.neuron) });

const signed = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x) < 5e-4 ? short(Math.abs(x), 1) : Math.abs(x).toFixed(3)}`;

function curve(context, from, to) {
  const bend = (to[0] - from[0]) * BEND;
  context.beginPath();
  context.moveTo(...from);
  context.bezierCurveTo(from[0] + bend, from[1], to[0] - bend, to[1], ...to);
  context.stroke();
}

function circle(context, x, y, radius, fill, chosen) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = chosen ? colours.positive : colours.muted;
  context.lineWidth = chosen ? 3 : 1;
  context.stroke();
}

/** A unit that dropout has left out of this step. */
function cross(context, x, y, half) {
  context.strokeStyle = colours.muted;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const sign of [1, -1]) {
    context.moveTo(x - half, y - sign * half);
    context.lineTo(x + half, y + sign * half);
  }
  context.stroke();
}

/** Room for the longest name in a list of bars; if there are many, smaller letters. */
export function fitNames(list, names) {
  const letters = Math.max(...names.map(({ length }) => length));
  list.style.setProperty("--letters", String(letters > 2 ? Math.min(letters, 14) : 0));
  list.classList.toggle("named", letters > 2);
  list.classList.toggle("many", names.length > 14);
}

/** A list of `n` rows of label, bar and number, filled by `fill(row, i)`. */
export function showBars(list, n, fill) {
  while (list.children.length > n) list.lastChild.remove();
  while (list.children.length < n) {
    list.append(make("li", {}, make("span", { class: "name" }), make("span", { class: "bar", "aria-hidden": true }), make("span", { class: "value" })));
  }
  [...list.children].forEach(fill);
}
