// What the page says in words: the state, the step, the verdict on the current digit, what went wrong, and now and then
// a summary for those who listen instead of looking.

import { byId, write } from "./dom.js";
import { setOutputKind } from "./explain.js";
import { count, fixed, percent, plain, short } from "./numbers.js";
import { winner } from "./state.js";

const LOSSES = { "mean-squared-error": "squared error", "cross-entropy": "cross-entropy", "binary-cross-entropy": "binary cross-entropy" };
const SUMMARY_EVERY = 5500; // milliseconds; more often than every five seconds is noise to a listener

export class Overview {
  constructor(state) {
    this.state = state;
    this.summarized = -Infinity;
  }

  draw() {
    const { settings, frame } = this.state;
    if (!settings) return;
    document.body.dataset.state = settings.state;
    document.body.dataset.run = settings.run;
    setOutputKind(settings.output_kind);
    write(byId("state-text"), settings.state);
    write(byId("architecture"), `${settings.sizes.join("-")}, ${settings.activations.join(", ")}; ${LOSSES[settings.loss] ?? settings.loss}`);
    this.#drawGradientCheck(settings.gradient_check);
    if (!frame) return;
    document.body.dataset.step = frame.step;
    write(byId("step"), count(frame.step));
    write(byId("epoch"), fixed(frame.epoch, 2));
    write(byId("throughput"), settings.state === "training" && frame.steps_per_second ? count(frame.steps_per_second) : "–");
    this.#drawVerdict(frame, settings);
    this.#drawDivergence(frame);
    this.#summarize(frame, settings);
  }

  #drawGradientCheck(check) {
    const badge = byId("gradient-check");
    if (!check) return;
    const right = check.relative_error < 1e-4;
    badge.classList.toggle("right", right);
    write(badge, `gradient check ${right ? "✓" : "✗"} ${short(check.relative_error, 1)}`);
    badge.dataset.value = check.relative_error;
  }

  #drawVerdict({ example }, { classes, output_kind: kind }) {
    const { index, value } = winner(example.outputs);
    const verdict = byId("verdict");
    const right = classes[index] === example.label;
    verdict.classList.toggle("wrong", !right);
    const judgement = right ? "and is right" : `but it is a ${example.label}`;
    write(verdict, `${right ? "✓" : "✗"} The network says ${classes[index]} (${kind} ${fixed(value, 2)}), ${judgement}.`);
  }

  #drawDivergence({ message }) {
    const diverged = message?.kind === "diverged";
    const banner = byId("diverged");
    if (banner.hidden === !diverged) return;
    banner.hidden = !diverged;
    if (!diverged) return;
    write(byId("diverged-title"), `Diverged at step ${count(message.step)}, with a learning rate of ${plain(message.rate)}`);
    write(byId("diverged-reason"), `${message.reason[0].toUpperCase()}${message.reason.slice(1)}.`);
    write(byId("diverged-advice"), `${message.advice} You see the network as it was while its numbers were still finite.`);
  }

  #summarize(frame, settings) {
    const now = performance.now();
    if (now - this.summarized < SUMMARY_EVERY) {
      // What happened last must not stay unsaid because it came too soon.
      this.timer ??= setTimeout(() => this.draw(), SUMMARY_EVERY - (now - this.summarized) + 1);
      return;
    }
    clearTimeout(this.timer);
    this.timer = null;
    const { validation } = frame;
    const held = validation ? ` On validation images: loss ${short(validation.loss)}, accuracy ${percent(validation.accuracy)}.` : "";
    const text =
      `${settings.state}, step ${count(frame.step)}, epoch ${fixed(frame.epoch, 1)}: ` +
      `loss ${short(frame.loss)}, accuracy ${percent(frame.accuracy)}.${held} ${byId("verdict").textContent.slice(2)}`;
    if (byId("summary").textContent !== text) this.summarized = now;
    write(byId("summary"), text);
  }
}
