// One neuron's exact sum, z = Σ w·x + b, with the numbers of the image on the stage; for a pixel in a feature map, the
// sum over its window; for a line, the history of its weight. It is requested again with the newest frame, but there is
// never more than one request under way, and training does not wait for it.

import { get } from "./api.js";
import { picture } from "./canvas.js";
import { colours } from "./colours.js";
import { largest, unpack } from "./decode.js";
import { byId, make, write } from "./dom.js";
import { count, fixed, plain, short } from "./numbers.js";
import { upperFirst } from "./state.js";

const PAUSE = 250; // milliseconds between two questions while training
const [PICTURE, TRAIL_WIDTH, TRAIL_HEIGHT] = [92, 290, 90];

export class Inspector {
  constructor(state, commands) {
    Object.assign(this, { state, commands });
    this.panel = byId("inspector");
    this.body = byId("inspector-body");
    this.asking = false;
    byId("inspector-close").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => event.key === "Escape" && !byId("images").open && this.close());
  }

  /** Somebody chose a neuron, or a line. */
  open() {
    if (!this.state.selected) return;
    if (this.panel.hidden) this.opener = document.activeElement;
    this.panel.hidden = false;
    this.panel.focus({ preventScroll: true });
    this.asked = null;
    this.body.replaceChildren();
    this.draw();
  }

  close() {
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    this.state.field = null;
    this.state.set("selected", null);
    this.opener?.focus?.();
  }

  async draw() {
    const { selected, frame, settings } = this.state;
    if (!selected || !frame || !settings || this.asking) return;
    const known = frame.layers[selected.layer];
    if (!known || selected.neuron >= known.units) {
      this.close(); // another network has taken the place of this one
      return;
    }
    const { layer, neuron, row, column, input } = selected;
    const key = `${frame.run}/${frame.step}/${frame.example.kind}/${frame.example.index}/${Object.values(selected)}/${settings.marks.length}`;
    if (key === this.asked) return;
    this.asking = true;
    this.asked = key;
    try {
      const path = input === undefined ? `neuron?layer=${layer}&neuron=${neuron}&row=${row ?? 0}&column=${column ?? 0}` : `weight?layer=${layer}&neuron=${neuron}&input=${input}`;
      const found = await get(`/api/${path}`);
      const now = this.state.selected;
      if (now?.layer === layer && now.neuron === neuron && now.input === input) this.#show(found);
    } catch (problem) {
      this.body.replaceChildren(make("p", {}, problem.message));
    }
    setTimeout(() => {
      this.asking = false;
      this.draw();
    }, PAUSE);
  }

  #show(found) {
    Object.assign(this.panel.dataset, { layer: found.layer, neuron: found.neuron });
    if (found.trail) return this.#showWeight(found);
    return this.#showNeuron(found);
  }

  // ---- a neuron ----

  #showNeuron(found) {
    const { layer, neuron, row, column, field } = found;
    const { shape } = this.state.frame.layers[layer];
    const name = this.state.neuronName(layer, neuron);
    write(byId("inspector-title"), upperFirst(shape ? `${name}, row ${row}, col. ${column}` : name));
    Object.assign(this.panel.dataset, { z: found.z, activation: found.activation });
    if (String(this.state.field) !== String(field ?? null)) this.state.set("field", field ?? null);
    this.body.replaceChildren(
      make("dl", { class: "sum" }, ...this.#sum(found)),
      ...(field ? [make("p", { class: "others" }, `It sees ${field[2]} × ${field[3]} pixels of the image, inside the frame in the picture.`)] : []),
      ...(found.positive ? this.#parts(found) : []),
    );
  }

  #sum(found) {
    const { sum_of_products: sum, bias, normalization: norm, activation_name: bend } = found;
    const { shape } = this.state.frame.layers[found.layer];
    return [
      ...(sum === undefined ? [] : [...term(shape ? "Σ w·x over its window" : "Σ w·x", sum, "sum"), ...term("+ b", bias, "bias")]),
      ...(norm ? term(`normalized: γ (sum − ${short(norm.mean)}) / ${short(norm.deviation)} + β`, found.z, "z") : term(sum === undefined ? "z" : "= z", found.z, "z")),
      ...(bend ? term(activationLabel(bend), found.activation, "activation") : []),
      ...term("∂L/∂z", found.delta, "delta"),
    ];
  }

  #parts(found) {
    const { layer, inputs, positive, negative, others, kernel } = found;
    const most = Math.max(...[...positive, ...negative].map(({ product }) => Math.abs(product)), 1e-12);
    const rest = inputs - positive.length - negative.length;
    const square = layer === 0 || kernel;
    return [
      ...(square ? [products(found, this.state.settings.image)] : []),
      this.#contributions("Speaks for it", positive, most, found),
      this.#contributions("Speaks against it", negative, most, found),
      make("p", { class: "others" }, `the other ${rest} ${rest === 1 ? "input" : "inputs"} together: `, value(others, "others", 4)),
    ];
  }

  #contributions(title, list, most, found) {
    const rows = list.map(({ input, x, w, product }) => {
      const bar = make("span", { class: `bar${product < 0 ? " negative" : ""}`, "aria-hidden": true });
      bar.style.setProperty("--share", String(Math.abs(product) / most));
      return make(
        "tr",
        { "data-input": input },
        make("th", { scope: "row" }, this.#sourceName(found.layer, input, found.kernel)),
        make("td", {}, value(w, "w")),
        make("td", {}, value(x, "x")),
        make("td", {}, value(product, "product", 4)),
        make("td", { class: "bar-cell" }, bar),
      );
    });
    const head = ["from", "w", "x", "w·x", ""].map((name) => make("th", { scope: "col" }, name));
    const body = rows.length ? rows : [make("tr", {}, make("td", { colspan: 5 }, "nothing"))];
    return make("table", { class: "contributions" }, make("caption", {}, title), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  }

  #sourceName(layer, input, kernel) {
    const place = (index, side) => `row ${Math.floor(index / side)}, col. ${index % side}`;
    if (kernel) {
      const pixels = kernel[1] * kernel[2];
      return `${kernel[0] > 1 ? `map ${Math.floor(input / pixels)}, ` : ""}${place(input % pixels, kernel[2])}`;
    }
    if (layer === 0) return place(input, this.state.settings.image[1]);
    const { shape } = this.state.frame.layers[layer - 1];
    if (!shape) return `neuron ${input}`;
    const pixels = shape[1] * shape[2];
    return `map ${Math.floor(input / pixels)}, ${place(input % pixels, shape[2])}`;
  }

  // ---- a weight ----

  #showWeight({ layer, neuron, input, value: w, gradient, trail }) {
    write(byId("inspector-title"), "A weight");
    Object.assign(this.panel.dataset, { input, value: w });
    const back = make("button", { type: "button", class: "quiet" }, "the whole neuron");
    back.addEventListener("click", () => this.state.set("selected", { layer, neuron, row: 0, column: 0 }));
    const from = layer === 0 ? `the pixel at ${this.#sourceName(0, input)}` : this.#sourceName(layer, input);
    this.body.replaceChildren(
      make("p", {}, `From ${from} to ${this.state.neuronName(layer, neuron)}. `, back),
      make("dl", { class: "sum" }, ...term("its value", w, "weight"), ...term("∂L/∂w for the image on the stage", gradient, "gradient"), ...term("its value at step 0", trail[0][1], "first")),
      make("p", { class: "others" }, `Its history over ${count(trail.at(-1)[0])} steps:`),
      trailOf(trail, w),
      this.#handle(layer, neuron, input, w),
    );
  }

  /** A slider that changes the weight. It stays under the pointer until the answer arrives. */
  #handle(layer, neuron, input, w) {
    const wide = Math.max(2, 4 * Math.abs(w));
    const slider = make("input", { type: "range", id: "weight-value", min: -wide, max: wide, step: "any", value: w, "aria-label": "the weight" });
    const set = (to) => this.commands.send("/api/weight", { layer, neuron, input, value: Number(to) }, "weight");
    slider.addEventListener("change", () => set(slider.value));
    return make("div", { class: "field" }, make("label", { for: "weight-value" }, "drag it to see what breaks"), make("output", {}, `±${plain(wide)}`), slider, make("p", { class: "refusal", role: "alert", "data-refusal": "weight", hidden: true }));
  }
}

const activationLabel = (name) => (name === "softmax" ? "softmax of all z" : `${name === "relu" ? "ReLU" : name}(z)`);

/** A number as rounded text, with its exact value in data-value for anybody who wants to check the sum. */
function value(x, name, decimals = 3) {
  const text = Math.abs(x) < 0.5 * 10 ** -decimals && x !== 0 ? short(x, 2) : fixed(x, decimals);
  return make("span", { class: "number", "data-name": name, "data-value": x }, text);
}

const term = (label, x, name) => [make("dt", {}, label), make("dd", {}, value(x, name, 4))];

/** Image × weights = contributions, as three pictures, and the slopes. For a kernel over several maps, the first map. */
function products({ values, weights, products: terms, gradient, kernel }, image) {
  const [rows, columns] = kernel?.slice(1) ?? image;
  const one = (packed, caption, ramp, sign) => {
    const canvas = make("canvas", { width: PICTURE, height: PICTURE, role: "img", "aria-label": caption });
    const all = unpack(packed);
    picture(canvas.getContext("2d"), all.subarray(0, rows * columns), 0, 0, PICTURE, ramp, largest(all), columns);
    return make("figure", {}, canvas, make("figcaption", {}, `${sign}${caption}`));
  };
  const inputs = kernel ? (kernel[0] > 1 ? "window of map 0" : "window") : "image";
  return make(
    "div",
    { class: "products" },
    one(values, inputs, kernel ? "activation" : "ink", ""),
    one(weights, "weights", "signed", "× "),
    one(terms, "contributions", "signed", "= "),
    one(gradient, "slopes of the weights", "signed", ""),
  );
}

/** A weight against the step. It is drawn only once, because every answer makes a new picture. */
function trailOf(trail, w) {
  const ratio = window.devicePixelRatio || 1;
  const label = `from ${short(trail[0][1])} at step 0 to ${short(w)}`;
  const canvas = make("canvas", { class: "trail", width: TRAIL_WIDTH * ratio, height: TRAIL_HEIGHT * ratio, role: "img", "aria-label": label });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const values = trail.map(([, value]) => value ?? 0);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = Math.max(1, trail.at(-1)[0]);
  const x = (step) => 4 + (step / last) * (TRAIL_WIDTH - 8);
  const y = (v) => 16 + (1 - (v - low) / (high - low || 1)) * (TRAIL_HEIGHT - 32);
  context.strokeStyle = colours.line;
  if (low < 0 && high > 0) context.strokeRect(4, y(0), TRAIL_WIDTH - 8, 0);
  context.strokeStyle = w < 0 ? colours.negative : colours.positive;
  context.lineWidth = 2;
  context.beginPath();
  for (const [step, v] of trail) context.lineTo(x(step), y(v ?? 0));
  context.stroke();
  context.fillStyle = colours.muted;
  context.font = "11px sans-serif";
  context.fillText(short(high), 4, 11);
  context.fillText(short(low), 4, TRAIL_HEIGHT - 3);
  return canvas;
}
