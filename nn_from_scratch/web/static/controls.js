// Buttons, sliders and fields: each sends one command, and shows the server's value, not the one asked for.

import { byId, make, write } from "./dom.js";
import { count, plain } from "./numbers.js";

const SPEEDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, null]; // steps a second; null: unlimited
const OWN = ""; // the choice "custom" among the presets
const editing = new Set(); // the fields that are being typed in
const SETTLED = 150; // milliseconds without a movement of a slider before it is sent

export class Controls {
  constructor(state, commands) {
    Object.assign(this, { state, commands });
    this.#transport();
    this.#training();
    this.#newNetwork();
    this.#weights();
    document.addEventListener("input", ({ target }) => target.matches("[type=number], [type=text]") && editing.add(target));
    for (const end of ["change", "focusout"]) document.addEventListener(end, ({ target }) => editing.delete(target), true);
  }

  #transport() {
    byId("start").addEventListener("click", () => this.#toggle());
    for (const unit of ["example", "batch", "epoch"]) {
      byId(`step-${unit}`).addEventListener("click", () => this.commands.send("/api/step", { unit }));
    }
    byId("rewind").addEventListener("click", () => this.commands.send("/api/rewind"));
    document.addEventListener("keydown", (event) => {
      // On a button, a checkbox or in a text the space bar already has a meaning.
      const taken = event.target.closest?.("button, a, select, textarea, dialog, input:not([type=range])");
      if (event.key !== " " || event.repeat || taken) return;
      event.preventDefault();
      if (!byId("start").disabled) this.#toggle();
    });
  }

  #toggle() {
    this.commands.send(this.state.settings.state === "training" ? "/api/pause" : "/api/start");
  }

  #training() {
    const form = byId("training");
    form.addEventListener("submit", (event) => event.preventDefault());
    const rate = byId("learning-rate");
    rate.addEventListener("input", () => {
      byId("learning-rate-number").value = rounded(10 ** rate.value);
      this.#settle({ learning_rate: rounded(10 ** rate.value) });
    });
    byId("speed").addEventListener("input", ({ target }) => {
      write(byId("speed-text"), speedText(SPEEDS[target.value]));
      this.#settle({ speed: SPEEDS[target.value] });
    });
    const at = (id, change) => byId(id).addEventListener("change", ({ target }) => this.#settle(change(target), 0));
    at("learning-rate-number", (target) => ({ learning_rate: numberIn(target) }));
    at("batch-size", (target) => ({ batch_size: numberIn(target) }));
    at("full-batch", (target) => ({ batch_size: target.checked ? null : this.usualBatch ?? 64 }));
    at("optimizer", (target) => ({ optimizer: target.value }));
    at("weight-decay", (target) => ({ weight_decay: numberIn(target) }));
    at("epoch-target", (target) => ({ epoch_target: numberIn(target) }));
  }

  #settle(change, delay = SETTLED) {
    clearTimeout(this.timer);
    this.waiting = { ...this.waiting, ...change };
    this.timer = setTimeout(async () => {
      const { waiting } = this;
      this.waiting = null;
      this.refused = (await this.commands.send("/api/settings", waiting, "training")) ? null : Object.keys(waiting);
    }, delay);
  }

  #newNetwork() {
    byId("new-network").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#restart({ seed: numberIn(byId("seed")) });
    });
    byId("random-start").addEventListener("click", () => this.#restart({ seed: null }));
    // A chosen network is built at once: a menu must not show one network while another learns.
    byId("preset").addEventListener("change", ({ target }) => {
      if (target.value !== OWN) this.#restart({ seed: this.state.settings.seed, preset: target.value });
    });
    byId("loss").addEventListener("change", ({ target }) => this.#restart({ seed: this.state.settings.seed, loss: target.value }));
  }

  #restart(body) {
    return this.commands.send("/api/restart", body, "new-network");
  }

  #weights() {
    const file = byId("upload-file");
    byId("upload").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const [chosen] = file.files;
      file.value = ""; // so that the same file can be chosen again
      if (chosen) this.commands.send("/api/weights", chosen, "weights");
    });
  }

  draw() {
    const { settings } = this.state;
    if (!settings) return;
    fill("optimizer", settings.menus.optimizers);
    fill("loss", settings.menus.losses);
    this.#drawTransport(settings);
    this.#drawTraining(settings);
    this.#drawNewNetwork(settings);
  }

  #drawTransport({ state }) {
    const training = state === "training";
    write(byId("start-label"), training ? "Pause" : "Start training");
    byId("start").dataset.explain = training ? "pause" : "start";
    byId("start").disabled = state === "diverged";
    byId("rewind").disabled = false;
    for (const unit of ["example", "batch", "epoch"]) byId(`step-${unit}`).disabled = training || state === "diverged";
  }

  #drawTraining({ learning_rate, batch_size, optimizer, weight_decay, epoch_target, speed, limits }) {
    if (this.waiting) return; // a movement that was not sent yet
    const [least, most] = limits.learning_rate;
    Object.assign(byId("learning-rate"), { min: Math.log10(least), max: Math.log10(most) });
    Object.assign(byId("learning-rate-number"), { min: least, max: limits.highest_learning_rate });
    keep("learning-rate", Math.log10(learning_rate));
    byId("learning-rate").setAttribute("aria-valuetext", plain(learning_rate));
    this.#keep("learning-rate-number", "learning_rate", rounded(learning_rate));
    Object.assign(byId("speed"), { min: 0, max: SPEEDS.length - 1 });
    keep("speed", speed === null ? SPEEDS.length - 1 : SPEEDS.findIndex((one) => one === null || one >= speed));
    byId("speed").setAttribute("aria-valuetext", speedText(speed));
    write(byId("speed-text"), speedText(speed));
    Object.assign(byId("batch-size"), { min: limits.batch_size[0], max: limits.batch_size[1], disabled: batch_size === null });
    this.usualBatch = batch_size ?? this.usualBatch;
    this.#keep("batch-size", "batch_size", batch_size ?? "");
    byId("full-batch").checked = batch_size === null;
    keep("optimizer", optimizer);
    this.#keep("weight-decay", "weight_decay", weight_decay);
    Object.assign(byId("epoch-target"), { min: 1, max: limits.epochs });
    this.#keep("epoch-target", "epoch_target", epoch_target ?? "");
    const [one, many] = limits.batch_size;
    write(byId("training-limits"), `rate ${plain(least)} to ${plain(limits.highest_learning_rate)}, batch ${one} to ${count(many)}, up to ${count(limits.epochs)} epochs`);
  }

  /** Like `keep`, but a refused value stays as it was typed. */
  #keep(id, name, value) {
    if (!this.refused?.includes(name)) keep(id, value);
  }

  #drawNewNetwork({ presets, preset, experiment, loss, seed, data, names, noun }) {
    const select = byId("preset");
    if (select.options.length !== presets.length + 1) {
      const options = presets.map((name) => make("option", { value: name }, name));
      select.replaceChildren(...options, make("option", { value: OWN, disabled: true }, "custom"));
    }
    select.options[presets.length].textContent = experiment ? `experiment: ${experiment[0]}` : "custom";
    keep("preset", preset ?? OWN);
    keep("loss", loss.split(":")[0]);
    keep("seed", seed);
    const written = noun.one === "digit" ? "the digits " : "";
    const few = names.length <= (written ? 2 : 10);
    const what = written + (few ? names.join(written ? " and " : ", ") : `${names[0]} to ${names.at(-1)}`);
    const judged = data.judged_on === "test" ? `tested on the ${count(data.validation)} test images` : `${count(data.validation)} held out`;
    write(byId("data"), `${data.name}: ${count(data.training)} images to learn from, ${judged}; ${what}`);
  }
}

const numberIn = (input) => (input.value === "" ? null : Number(input.value));

const rounded = (x) => Number(x.toPrecision(3));

const speedText = (speed) => (speed === null ? "unlimited" : `${count(speed)} ${speed === 1 ? "step" : "steps"} a second`);

/** The options of a menu, {value: text}, unless it has them. */
export function fill(id, options) {
  const select = byId(id);
  if (String(Array.from(select.options, ({ value }) => value)) === String(Object.keys(options))) return;
  select.replaceChildren(...Object.entries(options).map(([value, text]) => make("option", { value }, text)));
}

/** Show a value, but not while somebody is changing it. */
export function keep(id, value) {
  const input = byId(id);
  if (editing.has(input) || input.matches(":active") || input.value === String(value)) return;
  input.value = value;
  if (input === document.activeElement) input.select?.(); // as when the field was entered: the next typed text replaces it
}
