// One real learning step in four beats: guess, error, blame, update. It plays once, and a slider can then repeat any
// moment. The pictures of the beats are in scenes.js; here are the controls and the sentences.

import { byId, write } from "./dom.js";
import { fixed, short } from "./numbers.js";
import { BEATS } from "./scenes.js";
import { nameOf, winner } from "./state.js";

const SECONDS = 1.1; // that each beat takes when it plays by itself

export class Lesson {
  constructor(state) {
    this.state = state;
    this.slider = byId("beat");
    this.slider.addEventListener("input", () => this.#stop(Number(this.slider.value)));
    byId("lesson").addEventListener("click", ({ target }) => {
      const to = Number(target.dataset?.beat);
      if (to) this.#play(to - 1, to);
    });
  }

  draw() {
    const { frame, settings } = this.state;
    if (!frame || !settings) return;
    const { before } = frame;
    byId("lesson").hidden = !before;
    document.body.classList.toggle("in-lesson", Boolean(before));
    if (!before) {
      this.shown = null;
      cancelAnimationFrame(this.playing);
      return;
    }
    const key = `${frame.run}/${frame.step}`;
    if (key !== this.shown) {
      this.shown = key;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (calm) this.#stop(BEATS.length);
      else this.#play(0, BEATS.length);
      return;
    }
    const { beat } = this.state;
    this.slider.value = String(beat);
    const number = Math.min(BEATS.length - 1, Math.floor(beat));
    this.slider.setAttribute("aria-valuetext", BEATS[number]);
    for (const button of byId("lesson").querySelectorAll("[data-beat]")) {
      if (Number(button.dataset.beat) === number + 1) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
    byId("lesson").dataset.beat = BEATS[number];
    write(byId("lesson-text"), sentences(frame, settings)[beat >= BEATS.length ? BEATS.length : number]);
  }

  #play(from, to) {
    cancelAnimationFrame(this.playing);
    const begun = performance.now();
    const go = (now) => {
      const beat = Math.min(to, from + Math.max(0, now - begun) / 1000 / SECONDS);
      this.state.set("beat", beat);
      if (beat < to) this.playing = requestAnimationFrame(go);
    };
    go(begun);
  }

  #stop(beat) {
    cancelAnimationFrame(this.playing);
    this.state.set("beat", beat);
  }
}

/** The sentence for each beat, and the one at the end. */
function sentences({ before, example }, settings) {
  const { classes, names, noun, output_kind: kind } = settings;
  const { index, value } = winner(before.example.outputs);
  const [said, should] = [names[index], nameOf(settings, example.label)];
  const right = classes[index] === example.label;
  const p = before.example.outputs[classes.indexOf(example.label)];
  const loss = `loss ${short(before.example.loss)} → ${short(example.loss)}`;
  const whole = right ? `It said ${said}, which is right: ${loss}` : `It said ${said}, but the right answer is ${should}: ${loss}`;
  return [
    `Guess: the ${noun.one} goes through the network from left to right. It says ${said} (${kind} ${fixed(value, 2)}).`,
    right
      ? `Error: ${said} is right, but got ${fixed(p, 2)} instead of 1. Outputs that are too small are orange, too large ones blue.`
      : `Error: the right answer is ${should}, but it got ${fixed(p, 2)} instead of 1. Outputs that are too small are orange, too large ones blue.`,
    "Blame: from right to left, each neuron is told how the loss would change with its sum. The lines are the slopes of the weights.",
    `Update: the optimizer moves each weight a little, to make the loss smaller. ${whole}`,
    whole,
  ];
}
