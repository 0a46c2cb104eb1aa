// A tour of a minute: one thing after another, each pointed at in the picture.

import { byId, make, write } from "./dom.js";
import { upperFirst } from "./state.js";

// selector, where on it (a share of its width), title, text; the first four are numbered in the picture
const stops = ({ noun: { one, a, many }, pad, sizes }) => [
  ["#forward .stage", 0.12, `The ${one}`, `${upperFirst(a)} goes in here, as ${sizes[0]} pixels. The network is told nothing else about it.`],
  ["#forward .stage", 0.45, "Neurons", `Each circle is a neuron, each small picture a map of neurons. A neuron adds up its inputs and passes on the result. The stronger its colour, the larger the result.`],
  ["#forward .stage", 0.62, "Weights", "The lines are weights. Blue ones speak for a neuron, orange ones against it, and wide ones count more. Everything that a network knows is in its weights."],
  ["#forward .outputs", 0.5, "The answer", "The largest of these outputs is the answer. The frame marks the right answer."],
  ["#start", 0.5, "Learning", `At first the weights are random, so the network only guesses. “Start training” shows it one batch of ${many} after another, and corrects the weights a little each time.`],
  ["#step-example", 0.5, "One step", "This shows one correction slowly: the guess, the error, which neurons and weights are to blame for it, and how the weights move."],
  ...(pad ? [["#pad", 0.5, `Your ${one}`, `Draw ${a} here, at any time. The network answers while you draw.`]] : []),
  ["#level-explain", 0.5, "More", "“Explain” and “Everything” show more details. Point at anything to read what it is."],
];

const HEIGHTS = [0.5, 0.2, 0.35, 0.5]; // of the numbers in the picture, as shares of its height

export class Tour {
  constructor(state) {
    this.state = state;
    this.card = byId("tour-card");
    this.at = -1;
    byId("tour").addEventListener("click", () => this.#go(0));
    byId("tour-next").addEventListener("click", () => this.#go(this.at + 1));
    byId("tour-back").addEventListener("click", () => this.#go(this.at - 1));
    byId("tour-end").addEventListener("click", () => this.#go(-1));
    this.card.addEventListener("keydown", ({ key }) => key === "Escape" && this.#go(-1));
    addEventListener("resize", () => this.at >= 0 && this.#place());
  }

  get stops() {
    return stops(this.state.settings);
  }

  #go(at) {
    const { stops } = this;
    const was = this.at;
    this.at = at >= stops.length ? -1 : at;
    this.card.hidden = this.at < 0;
    this.#drawCallouts();
    for (const lit of document.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (this.at < 0) {
      if (was >= 0) byId("tour").focus();
      return;
    }
    const [selector, , title, text] = stops[this.at];
    write(byId("tour-title"), title);
    write(byId("tour-text"), text);
    write(byId("tour-place"), `${this.at + 1} of ${stops.length}`);
    byId("tour-back").disabled = this.at === 0;
    write(byId("tour-next"), this.at === stops.length - 1 ? "Done" : "Next");
    const target = document.querySelector(selector);
    (target.closest("label, button, canvas, .outputs, .stage") ?? target).classList.add("lit");
    target.scrollIntoView({ block: "nearest" });
    this.#place();
    byId("tour-next").focus({ preventScroll: true });
  }

  #drawCallouts() {
    const callouts = byId("callouts");
    callouts.hidden = this.at < 0;
    const home = byId("pictures").getBoundingClientRect();
    callouts.replaceChildren(
      ...this.stops.slice(0, 4).map(([selector, share], i) => {
        const box = document.querySelector(selector).getBoundingClientRect();
        const mark = make("span", { class: i === this.at ? "now" : "" }, String(i + 1));
        Object.assign(mark.style, { left: `${box.left - home.left + share * box.width}px`, top: `${box.top - home.top + HEIGHTS[i] * box.height}px` });
        return mark;
      }),
    );
  }

  /** Place the card beside the thing that it explains, but never beyond the screen. */
  #place() {
    const [selector, share] = this.stops[this.at];
    const box = document.querySelector(selector).closest("label, button, canvas, .outputs, .stage").getBoundingClientRect();
    const [width, height] = [this.card.offsetWidth, this.card.offsetHeight];
    const left = Math.max(8, Math.min(innerWidth - width - 8, box.left + box.width * share - width / 2));
    const below = box.bottom + 10;
    const top = Math.max(8, Math.min(below, innerHeight - height - 8));
    Object.assign(this.card.style, { left: `${left}px`, top: `${top}px` });
  }
}
