// Buttons, sliders and fields: each sends one command, and shows what the server says is true, not what was asked for.

import { post } from "./api.js";
import { byId, make, write } from "./dom.js";
import { count, plain } from "./numbers.js";

const SPEEDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, null]; // steps a second; null: unlimited
const OWN = ""; // the choice "own" among the presets
const editing = new Set(); // the fields that are being typed in
const SETTLED = 150; // milliseconds without a movement of a slider before it is sent

export class Controls {
  constructor(state) {
    this.state = state;
    this.#transport();
    this.#training();
    this.#newNetwork();
    this.#weights();
    byId("refused-close").addEventListener("click", () => (byId("refused").hidden = true));
    document.addEventListener("input", ({ target }) => target.matches("[type=number], [type=text]") && editing.add(target));
    for (const end of ["change", "focusout"]) document.addEventListener(end, ({ target }) => editing.delete(target), true);
  }

  /**
   * Send a command; a refusal is shown in the server's words. What it changed comes with the stream, in order: the answer
   * here may be older than what the stream has brought meanwhile.
   */
  async send(path, body) {
    byId("refused").hidden = true;
    try {
      await post(path, body);
    } catch (problem) {
      write(byId("refused-text"), problem.message);
      byId("refused").hidden = false;
      this.draw(); // puts back what was refused
    }
  }

  #transport() {
    byId("start").addEventListener("click", () => this.#toggle());
    for (const unit of ["example", "batch", "epoch"]) {
      byId(`step-${unit}`).addEventListener("click", async () => {
        await this.send("/api/step", { unit });
        this.state.stepping = unit === "epoch" ? null : this.state.settings.run;
        this.state.tell("frame");
      });
    }
    byId("rewind").addEventListener("click", () => this.send("/api/rewind"));
    document.addEventListener("keydown", (event) => {
      // On a button, a checkbox or in a text the space bar already has a meaning.
      const taken = event.target.closest?.("button, a, select, textarea, dialog, input:not([type=range])");
      if (event.key !== " " || event.repeat || taken) return;
      event.preventDefault();
      if (!byId("start").disabled) this.#toggle();
    });
  }

  #toggle() {
    this.send(this.state.settings.state === "training" ? "/api/pause" : "/api/start");
  }

  #training() {
    const form = byId("training");
    form.addEventListener("submit", (event) => event.preventDefault());
    const rate = byId("learning-rate");
    rate.addEventListener("input", () => {
      byId("learning-rate-number").value = rounded(10 ** rate.value);
      this.#settle({ learning_rate: rounded(10 ** rate.value) });
    });
    byId("learning-rate-number").addEventListener("change", ({ target }) => this.#settle({ learning_rate: numberIn(target) }, 0));
    byId("speed").addEventListener("input", ({ target }) => {
      write(byId("speed-text"), speedText(SPEEDS[target.value]));
      this.#settle({ speed: SPEEDS[target.value] });
    });
    byId("batch-size").addEventListener("change", ({ target }) => this.#settle({ batch_size: numberIn(target) }, 0));
    byId("optimizer").addEventListener("change", ({ target }) => this.#settle({ optimizer: target.value }, 0));
    byId("epoch-target").addEventListener("change", ({ target }) => {
      this.#settle({ epoch_target: target.value === "" ? null : numberIn(target) }, 0);
    });
  }

  #settle(change, delay = SETTLED) {
    clearTimeout(this.timer);
    this.waiting = { ...this.waiting, ...change };
    this.timer = setTimeout(() => {
      const { waiting } = this;
      this.waiting = null;
      this.send("/api/settings", waiting);
    }, delay);
  }

  #newNetwork() {
    const form = byId("new-network");
    form.addEventListener("input", () => (this.chosenFor = this.state.settings.run)); // until it is built, the choice is the visitor's
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#restart(numberIn(byId("seed")));
    });
    byId("random-start").addEventListener("click", () => this.#restart(null));
    byId("preset").addEventListener("change", ({ target }) => this.#showOwn(target.value === OWN));
  }

  #showOwn(own) {
    for (const id of ["hidden", "activation"]) byId(id).disabled = !own;
  }

  #restart(seed) {
    this.send("/api/restart", { seed, ...this.#newParts() });
    this.chosenFor = null;
  }

  /** Only what is to be other than now: a new start of the same network keeps its learning rate and all its settings. */
  #newParts() {
    const { preset, sizes, activations } = this.state.settings;
    const chosen = byId("preset").value;
    if (chosen !== OWN) return chosen === preset ? {} : { preset: chosen };
    const hidden = byId("hidden").value.split(/[\s,;×-]+/).filter(Boolean).map(Number);
    const activation = byId("activation").value;
    return {
      ...(String(hidden) !== String(sizes.slice(1, -1)) && { hidden }),
      ...(hidden.length > 0 && activation !== activations[0] && { activation }),
    };
  }

  #weights() {
    const file = byId("upload-file");
    byId("upload").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const [chosen] = file.files;
      file.value = ""; // so that the same file can be chosen again
      if (chosen) this.send("/api/weights", chosen);
    });
  }

  draw() {
    const { settings } = this.state;
    if (!settings) return;
    fill("optimizer", settings.menus.optimizers);
    fill("activation", withPresent(settings));
    this.#drawTransport(settings);
    this.#drawTraining(settings);
    this.#drawNewNetwork(settings);
  }

  #drawTransport({ state }) {
    const training = state === "training";
    write(byId("start-label"), training ? "Pause" : "Start training");
    byId("start").disabled = state === "diverged";
    byId("rewind").disabled = false;
    for (const unit of ["example", "batch", "epoch"]) byId(`step-${unit}`).disabled = training || state === "diverged";
  }

  #drawTraining({ learning_rate, batch_size, optimizer, epoch_target, speed, limits }) {
    if (this.waiting) return; // a movement that was not sent yet
    const [least, most] = limits.learning_rate;
    Object.assign(byId("learning-rate"), { min: Math.log10(least), max: Math.log10(most) });
    Object.assign(byId("learning-rate-number"), { min: least, max: limits.highest_learning_rate });
    keep("learning-rate", Math.log10(learning_rate));
    byId("learning-rate").setAttribute("aria-valuetext", plain(learning_rate));
    keep("learning-rate-number", rounded(learning_rate));
    Object.assign(byId("speed"), { min: 0, max: SPEEDS.length - 1 });
    const place = speed === null ? SPEEDS.length - 1 : SPEEDS.findIndex((one) => one === null || one >= speed);
    keep("speed", place);
    byId("speed").setAttribute("aria-valuetext", speedText(speed));
    write(byId("speed-text"), speedText(speed));
    Object.assign(byId("batch-size"), { min: limits.batch_size[0], max: limits.batch_size[1] });
    keep("batch-size", batch_size);
    keep("optimizer", optimizer);
    Object.assign(byId("epoch-target"), { min: 1, max: limits.epochs });
    keep("epoch-target", epoch_target ?? "");
  }

  #drawNewNetwork({ presets, preset, sizes, activations, seed, data, classes, run }) {
    const select = byId("preset");
    if (select.options.length !== presets.length + 1) {
      const options = presets.map((name) => make("option", { value: name }, name));
      select.replaceChildren(...options, make("option", { value: OWN }, "own …"));
    }
    if (this.chosenFor !== run) {
      keep("preset", preset ?? OWN);
      keep("hidden", sizes.slice(1, -1).join(", "));
      if (activations.length > 1) keep("activation", activations[0]);
      keep("seed", seed);
    }
    this.#showOwn(select.value === OWN);
    const digits = classes.length === 10 ? "the digits 0 to 9" : `the digits ${classes.join(" and ")}`;
    write(byId("data"), `${data.name}: ${count(data.training)} images to learn from, ${count(data.validation)} held out; ${digits}`);
  }
}

const numberIn = (input) => (input.value === "" ? null : Number(input.value));

const rounded = (x) => Number(x.toPrecision(3));

const speedText = (speed) => (speed === null ? "unlimited" : `${count(speed)} ${speed === 1 ? "step" : "steps"} a second`);

/** The activations to choose from. An uploaded network's may have settings, "leaky-relu:slope=0.2": it is one of them. */
function withPresent({ menus, activations }) {
  const [hidden] = activations.slice(0, -1);
  return hidden === undefined || hidden in menus.activations ? menus.activations : { ...menus.activations, [hidden]: hidden };
}

/** The options of a menu, {value: text}, unless it has them. */
function fill(id, options) {
  const select = byId(id);
  if (String(Array.from(select.options, ({ value }) => value)) === String(Object.keys(options))) return;
  select.replaceChildren(...Object.entries(options).map(([value, text]) => make("option", { value }, text)));
}

/** Show a value, but never under the fingers of somebody who is changing it. */
function keep(id, value) {
  const input = byId(id);
  if (editing.has(input) || input.matches(":active") || input.value === String(value)) return;
  input.value = value;
  if (input === document.activeElement) input.select?.(); // as when it was entered: what is typed next replaces it
}
