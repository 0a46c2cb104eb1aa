// What the page says in words: the state, the step, the verdict on the current image, what went wrong, and now and then
// a summary for people who use a screen reader.

import { byId, write } from "./dom.js";
import { setOutputKind } from "./explain.js";
import { count, fixed, percent, plain, short } from "./numbers.js";
import { calledOf, winner } from "./state.js";

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
    const lost = document.body.dataset.connection === "lost";
    write(byId("state-text"), lost ? "not connected" : settings.state);
    this.#sayNewServer(settings);
    this.#drawGradientCheck(settings.gradient_check);
    if (!frame) return;
    document.body.dataset.step = frame.step;
    write(byId("step"), count(frame.step));
    write(byId("epoch"), fixed(frame.epoch, 2));
    write(byId("throughput"), settings.state === "training" && frame.steps_per_second ? count(frame.steps_per_second) : "–");
    this.#drawOpening(frame, settings);
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

  /** A restarted server has lost the training that was shown here. */
  #sayNewServer({ server }) {
    if (this.server && this.server !== server) this.state.set("notice", "The server was restarted, so the training begins again at step 0.");
    this.server = server;
  }

  /** The sentence that says where the training stands. */
  #drawOpening(frame, { state, experiment, classes, noun, pad }) {
    const { step, seen, validation, message } = frame;
    const tests = this.state.heldOut === "test" ? "test images" : `new ${noun.many}`;
    const knows = validation ? `recognizes about ${Math.round(100 * validation.accuracy)} of 100 ${tests}` : "";
    let text;
    if (this.state.notice && step === 0) text = this.state.notice;
    else if (message) text = "The training has diverged: some number became too large. Rewind, and choose a lower learning rate.";
    else if (step === 0 && validation?.accuracy > 2 / classes.length) text = `This network ${knows}. ${pad ? "Draw one, or press" : "Press"} Start training to continue.`;
    else if (step === 0) text = `This network has never seen ${noun.a}, so it only guesses. Press Start training, or take one step with one example.`;
    else text = `After ${count(step)} ${step === 1 ? "step" : "steps"} with ${count(seen)} ${seen === 1 ? noun.one : noun.many}, the network ${knows}.${state === "training" ? "" : pad ? ` Draw ${noun.a} of your own, or look at a mistake.` : " Look at a mistake."}`;
    if (step === 0 && this.state.access?.steers === false) text = "The presenter has not started the training yet.";
    if (experiment) text = `Experiment: ${experiment[0]}. ${text}`;
    write(byId("opening-text"), text);
  }

  #drawVerdict({ example, before }, settings) {
    const { classes, names, output_kind: kind } = settings;
    const { index, value } = winner(example.outputs);
    const verdict = byId("verdict");
    const says = `The network ${before ? "now says" : "says"} ${names[index]} (${kind} ${fixed(value, 2)})`;
    const right = classes[index] === example.label;
    verdict.classList.toggle("wrong", !right && example.label !== null);
    if (example.label === null) write(verdict, `${says} for your drawing.`);
    else write(verdict, `${right ? "✓" : "✗"} ${says}, ${right ? "and is right" : `but it is ${calledOf(settings, example.label)}`}.`);
  }

  #drawDivergence({ message }) {
    const diverged = message?.kind === "diverged";
    const banner = byId("diverged");
    if (banner.hidden === !diverged) return;
    banner.hidden = !diverged;
    if (!diverged) return;
    write(byId("diverged-title"), `Diverged at step ${count(message.step)}, with a learning rate of ${plain(message.rate)}`);
    write(byId("diverged-reason"), `${message.reason[0].toUpperCase()}${message.reason.slice(1)}.`);
    write(byId("diverged-advice"), `${message.advice} The page shows the network as it was while its numbers were still finite.`);
  }

  #summarize(frame, settings) {
    const now = performance.now();
    if (now - this.summarized < SUMMARY_EVERY) {
      // If a change comes too soon after the last summary, it is summarized a little later.
      this.timer ??= setTimeout(() => this.draw(), SUMMARY_EVERY - (now - this.summarized) + 1);
      return;
    }
    clearTimeout(this.timer);
    this.timer = null;
    const { validation } = frame;
    const held = validation ? ` On ${this.state.heldOut} images: loss ${short(validation.loss)}, accuracy ${percent(validation.accuracy)}.` : "";
    const text =
      `${settings.state}, step ${count(frame.step)}, epoch ${fixed(frame.epoch, 1)}: ` +
      `loss ${short(frame.loss)}, accuracy ${percent(frame.accuracy)}.${held} ${frame.before ? byId("lesson-text").textContent : byId("verdict").textContent.replace(/^[✓✗] /, "")}`;
    if (byId("summary").textContent !== text) this.summarized = now;
    write(byId("summary"), text);
  }
}
