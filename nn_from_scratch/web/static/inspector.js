// One neuron's exact sum, z = Σ w·x + b, with the numbers of the digit that is shown. It is asked for again with the
// newest frame, but only one question is ever under way: training does not wait for it.

import { get } from "./api.js";
import { picture } from "./canvas.js";
import { largest, unpack } from "./decode.js";
import { byId, make, write } from "./dom.js";
import { fixed, short } from "./numbers.js";

const PAUSE = 250; // milliseconds between two questions while training
const PICTURE = 112;

export class Inspector {
  constructor(state) {
    this.state = state;
    this.panel = byId("inspector");
    this.body = byId("inspector-body");
    this.asking = false;
    byId("inspector-close").addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => event.key === "Escape" && !byId("images").open && this.close());
  }

  /** Somebody chose a neuron. */
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
    const key = `${frame.run}/${frame.step}/${frame.example.index}/${selected.layer}/${selected.neuron}`;
    if (key === this.asked) return;
    this.asking = true;
    this.asked = key;
    try {
      this.#show(await get(`/api/neuron?layer=${selected.layer}&neuron=${selected.neuron}`));
    } catch (problem) {
      this.body.replaceChildren(make("p", {}, problem.message));
    }
    setTimeout(() => {
      this.asking = false;
      this.draw();
    }, PAUSE);
  }

  #show(found) {
    if (this.state.selected?.layer !== found.layer || this.state.selected.neuron !== found.neuron) return;
    const { layer, inputs, positive, negative, others } = found;
    write(byId("inspector-title"), upperFirst(this.state.neuronName(layer, found.neuron)));
    Object.assign(this.panel.dataset, { layer, neuron: found.neuron, z: found.z, activation: found.activation });
    const most = Math.max(...[...positive, ...negative].map(({ product }) => Math.abs(product)), 1e-12);
    const rest = inputs - positive.length - negative.length;
    this.body.replaceChildren(
      make(
        "dl",
        { class: "sum" },
        ...term("Σ w·x", found.sum_of_products, "sum"),
        ...term("+ b", found.bias, "bias"),
        ...term("= z", found.z, "z"),
        ...term(activationLabel(found.activation_name), found.activation, "activation"),
        ...term("∂L/∂z", found.delta, "delta"),
      ),
      this.#contributions("Speaks for it", positive, most, layer),
      this.#contributions("Speaks against it", negative, most, layer),
      make("p", { class: "others" }, `the other ${rest} ${rest === 1 ? "input" : "inputs"} together: `, value(others, "others", 4)),
      ...(layer === 0 ? [pictures(found)] : []),
    );
  }

  #contributions(title, list, most, layer) {
    const rows = list.map(({ input, x, w, product }) => {
      const bar = make("span", { class: `bar${product < 0 ? " negative" : ""}`, "aria-hidden": true });
      bar.style.setProperty("--share", String(Math.abs(product) / most));
      return make(
        "tr",
        { "data-input": input },
        make("th", { scope: "row" }, this.#sourceName(layer, input)),
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

  #sourceName(layer, input) {
    if (layer > 0) return `neuron ${input}`;
    const side = Math.round(Math.sqrt(this.state.settings.sizes[0]));
    return `row ${Math.floor(input / side)}, col. ${input % side}`;
  }
}

const upperFirst = (text) => text[0].toUpperCase() + text.slice(1);

const activationLabel = (name) => (name === "softmax" ? "softmax of all z" : `${name === "relu" ? "ReLU" : name}(z)`);

/** A number as text for people, and exactly as data-value for whoever wants to check the sum. */
function value(x, name, decimals = 3) {
  const text = Math.abs(x) < 0.5 * 10 ** -decimals && x !== 0 ? short(x, 2) : fixed(x, decimals);
  return make("span", { class: "number", "data-name": name, "data-value": x }, text);
}

const term = (label, x, name) => [make("dt", {}, label), make("dd", {}, value(x, name, 4))];

function pictures({ weights, gradient }) {
  const one = (packed, caption) => {
    const canvas = make("canvas", { width: PICTURE, height: PICTURE, role: "img", "aria-label": caption });
    const values = unpack(packed);
    picture(canvas.getContext("2d"), values, 0, 0, PICTURE, "signed", largest(values));
    return make("figure", {}, canvas, make("figcaption", {}, `${caption}, ±${short(largest(values), 2)}`));
  };
  return make("div", { class: "pair" }, one(weights, "weights"), one(gradient, "gradients"));
}
