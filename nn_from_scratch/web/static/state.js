// What the page knows, and who wants to be told. Every view draws from here and keeps nothing of its own but what the
// visitor chose in it, so a reload or a second tab shows the same.

import { History } from "./history.js";

export class State extends EventTarget {
  settings = null; // the answer of /api/state
  frame = null; // the newest frame
  tiles = null; // the newest pictures of the first layer
  confusion = null; // {matrix, step}; not every frame brings one
  stepping = null; // the run in which the last command was a single step: its way forward and back is to be seen
  selected = null; // {layer, neuron}, open in the inspector
  history = new History();

  set(part, value) {
    this[part] = value;
    this.tell(part);
  }

  tell(part) {
    this.dispatchEvent(new Event(part));
  }

  /** Call `listener` whenever one of these parts changes. */
  on(parts, listener) {
    for (const part of parts) this.addEventListener(part, listener);
  }

  get lastLayer() {
    return this.frame.layers.length - 1;
  }

  layerName(layer) {
    if (layer === this.lastLayer) return "output layer";
    return this.lastLayer === 1 ? "hidden layer" : `hidden layer ${layer + 1}`;
  }

  neuronName(layer, neuron) {
    const { classes, sizes } = this.settings;
    if (layer !== this.lastLayer) return `${this.layerName(layer)}, neuron ${neuron}`;
    return sizes.at(-1) === 1 ? `the output: is it ${classes[1]}?` : `output ${classes[neuron]}`;
  }
}

/** The answer: the index of the largest output, and how large it is. */
export function winner(outputs) {
  const value = Math.max(...outputs);
  return { index: outputs.indexOf(value), value };
}
