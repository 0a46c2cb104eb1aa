// What the page knows, and who wants to be told. Every view draws from here, and keeps nothing itself except what the
// visitor chose in it, so a reload or a second tab shows the same.

import { History } from "./history.js";

export class State extends EventTarget {
  access = null; // what this page may do, and where others find it: server.py's House.access; null: everything
  settings = null; // the answer of /api/state
  frame = null; // the newest frame
  tiles = null; // the newest pictures of the first layer
  confusion = null; // {matrix, step}; not every frame brings one
  beat = 4; // which moment of a step with one example is shown, from 0 to 4: see scenes.js
  selected = null; // {layer, neuron, row, column}, open in the inspector
  field = null; // the pixels that the selected unit of a feature map sees
  notice = null; // what happened to the server
  kept = []; // runs that the visitor keeps, to compare with
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

  /** The name of a layer: its place if all are Dense, else its kind. */
  layerName(layer) {
    if (layer === this.lastLayer) return "output layer";
    const { layers } = this.frame;
    const kind = KINDS[layers[layer].name.split(",")[0]];
    if (kind !== undefined) return `${kind} ${layers.slice(0, layer + 1).filter(({ name }) => KINDS[name.split(",")[0]] === kind).length}`;
    const hidden = layers.slice(0, -1).filter(({ shape }) => !shape);
    return hidden.length === 1 ? "hidden layer" : `hidden layer ${layers.slice(0, layer + 1).filter(({ shape }) => !shape).length}`;
  }

  neuronName(layer, neuron) {
    const { names, called } = this.settings;
    const { shape, units } = this.frame.layers[layer];
    if (shape) return `${this.layerName(layer)}, map ${neuron}`;
    if (layer !== this.lastLayer) return `${this.layerName(layer)}, neuron ${neuron}`;
    return units === 1 ? `the output: is it ${called[1]}?` : `output ${names[neuron]}`;
  }

  /** What to call the images that the network is tested on. */
  get heldOut() {
    return this.settings?.data.judged_on === "test" ? "test" : "validation";
  }
}

const KINDS = { Conv2D: "convolution", MaxPool2D: "pooling", AveragePool2D: "pooling" };

/** The answer: the index of the largest output, and how large it is. */
export function winner(outputs) {
  const value = Math.max(...outputs);
  return { index: outputs.indexOf(value), value };
}

/** What the class with a label is called: "sneaker"; with an article, "a sneaker" or "an 8". */
export const nameOf = ({ classes, names }, label) => names[classes.indexOf(label)];
export const calledOf = ({ classes, called }, label) => called[classes.indexOf(label)];

export const upperFirst = (text) => text[0].toUpperCase() + text.slice(1);
