// One row for each layer: how large its gradients and weights are, and how much of it is silent. Compare the rows to
// see vanishing gradients and dying neurons.

import { unpack } from "./decode.js";
import { byId, make, write } from "./dom.js";
import { percent, short } from "./numbers.js";

const [LEAST, MOST] = [-6, 1]; // powers of ten: the ends of the logarithmic bar

export class LayersTable {
  constructor(state) {
    this.state = state;
    this.body = byId("layers");
  }

  draw() {
    const { frame, settings } = this.state;
    if (!frame || !settings) return;
    while (this.body.rows.length > frame.layers.length) this.body.deleteRow(-1);
    frame.layers.forEach((layer, l) => {
      const row = this.body.rows[l] ?? this.body.appendChild(newRow(l));
      const biases = unpack(layer.biases);
      const mean = biases.reduce((sum, bias) => sum + bias, 0) / biases.length;
      const power = Math.log10(layer.gradient_norm || 10 ** LEAST);
      const cells = row.cells;
      write(cells[0], `${this.state.layerName(l)}, ${describe(layer)}`);
      const [bar, norm] = cells[1].children;
      bar.style.setProperty("--share", String(Math.max(0, Math.min(1, (power - LEAST) / (MOST - LEAST)))));
      write(norm, short(layer.gradient_norm));
      norm.dataset.value = layer.gradient_norm;
      write(cells[2], short(layer.gradient_mean));
      cells[2].dataset.value = layer.gradient_mean;
      write(cells[3], short(layer.weight_norm));
      write(cells[4], `${short(Math.min(...biases), 2)} … ${short(mean, 2)} … ${short(Math.max(...biases), 2)}`);
      write(cells[5], silence(layer));
    });
  }
}

/** A saturated output that is right is no problem: it has just nothing left to learn. */
const silence = ({ dead, type }) => (dead === null ? "–" : `${percent(dead)}${type === "sigmoid" ? " saturated" : ""}`);

/** "100 sigmoid", "16 maps, Conv2D, ReLU" */
export const describe = ({ units, shape, type, name }) => (shape ? `${units} maps: ${name}` : `${units} ${type ?? "neurons"}`);

function newRow(layer) {
  const norm = make("td", { class: "with-bar" }, make("span", { class: "bar", "aria-hidden": true }), make("span", { class: "value" }));
  return make("tr", { "data-layer": layer }, make("th", { scope: "row" }), norm, make("td"), make("td"), make("td"), make("td"));
}
