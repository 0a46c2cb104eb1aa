// The network as a graph: the digit, a column of neurons for each layer, and the outputs. One class draws both ways
// through it, forward (activations along weights) and backward (∂L/∂z along gradients), because they are the same
// picture with other numbers. Each neuron is a real button over the canvas, so that it can be reached without a mouse.

import { fit, picture, tint } from "./canvas.js";
import { colours } from "./colours.js";
import { bytes, fullActivation, largest, unpack } from "./decode.js";
import { make, write } from "./dom.js";
import { explain } from "./explain.js";
import { count, fixed, short } from "./numbers.js";
import { winner } from "./state.js";

const WAYS = {
  forward: { title: "Forward: from the digit to an answer", ramp: "activation", values: "activations" },
  backward: { title: "Backward: from the mistake to what must change", ramp: "signed", values: "deltas" },
};
const [NARROW, TINY] = [115, 60]; // columns narrower than that break their captions into more lines; pixels

export class NetworkPicture {
  edges = "weight"; // or "flow", weight × activation

  constructor(figure, state) {
    this.state = state;
    this.phase = figure.dataset.phase;
    this.way = WAYS[this.phase];
    this.figure = figure;
    this.title = make("figcaption", {}, this.way.title);
    this.canvas = make("canvas", { "aria-hidden": true });
    this.neurons = make("div", { class: "neurons", role: "group", "aria-label": `Neurons, ${this.phase}: arrow keys move, Enter opens` });
    this.captions = make("div", { class: "captions" });
    this.outputs = make("ol", { class: "outputs bars" });
    this.stage = make("div", { class: "stage" }, this.canvas, this.neurons, this.captions, this.outputs);
    figure.append(this.title, this.stage);
    this.slots = []; // per layer: which neuron is drawn at which place
    this.buttons = new Map(); // "layer:neuron" → button
    this.neurons.addEventListener("click", (event) => this.#open(event.target.closest("button")));
    this.neurons.addEventListener("keydown", (event) => this.#move(event));
    explain.parts(this.neurons, (target) => target.matches("button") && this.#about(target));
    explain.on(this.outputs, this.phase === "forward" ? "outputs" : "output_deltas");
  }

  draw() {
    const { frame, settings } = this.state;
    if (!frame || !settings || this.figure.hidden) return;
    const [context, width, height] = fit(this.canvas);
    this.#place(frame, width, height);
    this.#drawDigit(context, frame);
    frame.layers.forEach((layer, l) => this.#drawEdges(context, layer, l));
    frame.layers.forEach((layer, l) => this.#drawNeurons(context, layer, l));
    this.#writeOutputs(frame);
    this.#writeCaptions(frame);
  }

  /** Where everything goes: `places` maps "layer:neuron" to [x, y]. A neuron keeps its place as long as it is shown. */
  #place(frame, width, height) {
    const right = width - this.outputs.offsetWidth - 16;
    const size = Math.min(height * 0.55, width * 0.27);
    const left = 2 + size;
    this.columnWidth = (right - left) / frame.layers.length;
    this.narrow = this.columnWidth < NARROW;
    const captions = this.columnWidth < TINY ? 70 : this.narrow ? 54 : 44;
    this.stage.style.setProperty("--captions", `${captions}px`);
    this.captions.classList.toggle("narrow", this.narrow);
    const tall = height - captions;
    this.image = { x: 2, y: (tall - size) / 2, size };
    this.columns = frame.layers.map((_, l) => left + this.columnWidth * (l + 1));
    this.places = new Map();
    this.slots = frame.layers.map(({ shown }, l) => keepSlots(this.slots[l] ?? [], shown));
    this.spacing = this.slots.map((slots) => tall / slots.length);
    this.slots.forEach((slots, l) => {
      slots.forEach((neuron, i) => this.places.set(`${l}:${neuron}`, [this.columns[l], (i + 0.5) * this.spacing[l]]));
    });
    this.radius = this.spacing.map((space) => Math.min(11, Math.max(2.5, space * 0.4)));
    this.#placeButtons();
  }

  #placeButtons() {
    const before = this.buttons;
    this.buttons = new Map();
    for (const [key, [x, y]] of this.places) {
      const [layer, neuron] = key.split(":").map(Number);
      const button = before.get(key) ?? make("button", { type: "button", tabindex: "-1", "data-layer": layer, "data-neuron": neuron });
      const size = Math.max(10, 2 * this.radius[layer] + 3);
      Object.assign(button.style, { left: `${x - size / 2}px`, top: `${y - size / 2}px`, width: `${size}px`, height: `${size}px` });
      button.setAttribute("aria-label", this.state.neuronName(layer, neuron));
      if (!button.isConnected) this.neurons.append(button);
      this.buttons.set(key, button);
    }
    for (const [key, button] of before) if (!this.buttons.has(key)) button.remove();
    // One neuron is in the tab order; from it the arrow keys lead to all others.
    if (!this.neurons.querySelector('[tabindex="0"]')) this.neurons.querySelector("button")?.setAttribute("tabindex", "0");
  }

  #drawDigit(context, frame) {
    const { x, y, size } = this.image;
    picture(context, bytes(frame.example.image), x, y, size, "ink", 255);
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.strokeRect(x - 0.5, y - 0.5, size + 1, size + 1);
  }

  /** A pixel of the digit, or a neuron of the layer before. */
  #source(layer, index) {
    if (layer > 0) return this.places.get(`${layer - 1}:${index}`);
    const { x, y, size } = this.image;
    const side = Math.round(Math.sqrt(this.state.settings.sizes[0]));
    return [x + ((index % side) + 0.5) * (size / side), y + (Math.floor(index / side) + 0.5) * (size / side)];
  }

  #drawEdges(context, { edges }, l) {
    const selected = this.state.selected;
    const part = this.phase === "backward" ? 4 : this.edges === "flow" ? 3 : 2;
    const lines = edges.map((edge) => ({ neuron: edge[0], sources: edge[1], values: unpack(edge[part]) }));
    const most = Math.max(...lines.map(({ values }) => largest(values))) || 1;
    for (const { neuron, sources, values } of lines) {
      const to = this.places.get(`${l}:${neuron}`);
      if (!to) continue;
      const chosen = selected?.layer === l && selected.neuron === neuron;
      sources.forEach((source, i) => {
        const from = this.#source(l, source);
        const share = Math.abs(values[i]) / most;
        if (!from || share < 0.02) return;
        context.strokeStyle = values[i] < 0 ? colours.negative : colours.positive;
        context.globalAlpha = chosen ? 1 : 0.12 + 0.65 * share ** 1.5; // so that few lines stand out, not all of them
        context.lineWidth = (chosen ? 1 : 0.4) + 2.6 * share ** 1.5;
        const bend = (to[0] - from[0]) * 0.45;
        context.beginPath();
        context.moveTo(...from);
        context.bezierCurveTo(from[0] + bend, from[1], to[0] - bend, to[1], ...to);
        context.stroke();
        if (l === 0) this.#drawPixel(context, from);
      });
    }
    context.globalAlpha = 1;
  }

  /** A dot on the pixel where an edge begins. */
  #drawPixel(context, [x, y]) {
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    context.arc(x, y, 1.8, 0, 2 * Math.PI);
    context.fill();
  }

  #drawNeurons(context, layer, l) {
    const values = unpack(layer[this.way.values]);
    const most = this.phase === "forward" ? fullActivation(layer, values) : largest(values) || 1;
    const selected = this.state.selected;
    for (const neuron of this.slots[l]) {
      const [x, y] = this.places.get(`${l}:${neuron}`);
      const chosen = selected?.layer === l && selected.neuron === neuron;
      context.beginPath();
      context.arc(x, y, this.radius[l], 0, 2 * Math.PI);
      context.fillStyle = tint(this.way.ramp, values[neuron] / most);
      context.fill();
      context.strokeStyle = chosen ? colours.positive : colours.muted;
      context.lineWidth = chosen ? 3 : 1;
      context.stroke();
    }
  }

  /** Beside each output: its digit, a bar, and the number. Backward: how the loss would change with its sum. */
  #writeOutputs(frame) {
    const { example } = frame;
    const last = this.state.lastLayer;
    const forward = this.phase === "forward";
    const values = forward ? example.outputs : unpack(frame.layers[last].deltas);
    const most = forward ? 1 : largest(values) || 1;
    const { index: answer } = winner(example.outputs);
    const { classes } = this.state.settings;
    showBars(this.outputs, values.length, (row, i) => {
      const value = values[i];
      row.dataset.output = i;
      row.classList.toggle("answer", forward && i === answer);
      row.classList.toggle("target", values.length > 1 && classes[i] === example.label);
      row.classList.toggle("negative", value < 0);
      row.style.setProperty("--share", String(Math.min(1, Math.abs(value) / most)));
      row.dataset.value = value;
      write(row.children[0], String(values.length > 1 ? classes[i] : classes[1]));
      write(row.children[2], forward ? fixed(value, 3) : short(value, 2));
    });
  }

  #writeCaptions(frame) {
    const { settings } = this.state;
    const texts = [
      [this.image.x + this.image.size / 2, `${count(settings.sizes[0])} pixels`, `this is a ${frame.example.label}`],
      ...frame.layers.map(({ units, shown }, l) => [
        this.columns[l],
        this.narrow ? this.state.layerName(l).replace(" layer", "") : this.state.layerName(l),
        shown.length < units ? `${shown.length} of ${units} shown` : `${units} ${units === 1 ? "neuron" : "neurons"}`,
      ]),
    ];
    while (this.captions.children.length > texts.length) this.captions.lastChild.remove();
    texts.forEach(([x, name, note], i) => {
      const caption = this.captions.children[i] ?? this.captions.appendChild(make("p", {}, make("b"), make("span")));
      caption.style.left = `${x}px`;
      caption.style.width = i ? `${this.columnWidth - 4}px` : "";
      write(caption.children[0], name);
      write(caption.children[1], note);
    });
  }

  #about(button) {
    const { layer: l, neuron } = numbersOf(button);
    const layer = this.state.frame.layers[l];
    const activation = unpack(layer.activations)[neuron];
    const delta = unpack(layer.deltas)[neuron];
    const bias = unpack(layer.biases)[neuron];
    return (
      `${this.state.neuronName(l, neuron)}: activation ${short(activation)}, bias ${short(bias)}, ∂L/∂z ${short(delta)}. ` +
      "Click, or press Enter, for the sum behind it."
    );
  }

  #open(button) {
    if (!button) return;
    this.#enterTabOrder(button);
    this.state.set("selected", numbersOf(button));
  }

  /** Arrow keys: up and down within a layer, left and right to the neighbour in the next. */
  #move(event) {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    const button = event.target.closest("button");
    if (!step || !button) return;
    event.preventDefault();
    const { layer, neuron } = numbersOf(button);
    const place = this.slots[layer].indexOf(neuron);
    const goal = Math.max(0, Math.min(this.slots.length - 1, layer + step[0]));
    const slots = this.slots[goal];
    const scaled = goal === layer ? place + step[1] : Math.floor(((place + 0.5) / this.slots[layer].length) * slots.length);
    const next = this.buttons.get(`${goal}:${slots[Math.max(0, Math.min(slots.length - 1, scaled))]}`);
    this.#enterTabOrder(next);
    next.focus();
  }

  #enterTabOrder(button) {
    for (const other of this.neurons.querySelectorAll('[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
  }
}

const numbersOf = ({ dataset }) => ({ layer: Number(dataset.layer), neuron: Number(dataset.neuron) });

/** Who is still shown stays where they are; who is new takes a place that became free. */
export function keepSlots(before, shown) {
  if (before.length !== shown.length) return [...shown];
  const wanted = new Set(shown);
  const newcomers = shown.filter((neuron) => !before.includes(neuron));
  return before.map((neuron) => (wanted.has(neuron) ? neuron : newcomers.shift()));
}

/** A list of `n` rows of label, bar and number, filled by `fill(row, i)`. */
export function showBars(list, n, fill) {
  while (list.children.length > n) list.lastChild.remove();
  while (list.children.length < n) {
    list.append(make("li", {}, make("span", { class: "name" }), make("span", { class: "bar", "aria-hidden": true }), make("span", { class: "value" })));
  }
  [...list.children].forEach(fill);
}
