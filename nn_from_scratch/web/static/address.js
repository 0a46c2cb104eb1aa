// The address holds everything: the training with its seed and settings, the image on the stage, and the parts of the
// page that are shown. The same address gives the same training, to the last digit.

import { byId } from "./dom.js";

// name in the address → name of a command's value, and how to read it
const START = {
  preset: ["preset", String],
  layers: ["layers", (text) => text.split(" ")],
  seed: ["seed", Number],
  loss: ["loss", String],
  optimizer: ["optimizer", String],
  rate: ["learning_rate", Number],
  batch: ["batch_size", (text) => (text === "all" ? null : Number(text))],
  decay: ["weight_decay", Number],
};
const ON_THE_WAY = { speed: ["speed", (text) => (text === "unlimited" ? null : Number(text))], epochs: ["epoch_target", Number] };
const LEVELS = ["watch", "explain", "everything"];

export class Address {
  constructor(state, commands) {
    Object.assign(this, { state, commands });
    this.asked = new URLSearchParams(location.search);
    this.begun = false;
    const level = this.asked.get("level");
    this.#setLevel(LEVELS.includes(level) ? level : "watch");
    for (const name of LEVELS) byId(`level-${name}`).addEventListener("change", () => this.#setLevel(name));
    for (const panel of (this.asked.get("hide") ?? "").split(",").filter(Boolean)) {
      for (const card of document.querySelectorAll(`[data-panel="${CSS.escape(panel)}"]`)) card.classList.add("hidden-by-address");
    }
  }

  #setLevel(level) {
    document.body.dataset.level = level;
    byId(`level-${level}`).checked = true;
    this.state.tell("level");
    this.#write();
  }

  draw() {
    const { settings, frame } = this.state;
    if (!settings || !frame) return;
    if (!this.begun) {
      this.begun = true;
      this.#apply();
    } else if (!this.applying) this.#write();
  }

  /** On opening: command what the address asks for, unless it is there already, as after a reload. */
  async #apply() {
    const { settings } = this.state;
    this.applying = true;
    const now = parts(settings, START);
    const wanted = read(this.asked, START);
    const experiment = this.asked.get("experiment");
    const run = Number(this.asked.get("run") ?? 0);
    if (experiment) {
      if (String(settings.experiment) !== String([experiment, run])) await this.commands.send("/api/experiment", { name: experiment, run });
    } else if (Object.keys(wanted).some((name) => String(wanted[name]) !== String(now[name]))) {
      if (!("preset" in wanted) && !("layers" in wanted) && !settings.preset) wanted.layers = settings.layers;
      await this.commands.send("/api/restart", { seed: 0, ...wanted }, "new-network");
    }
    const changes = read(this.asked, ON_THE_WAY);
    if (Object.keys(changes).some((name) => changes[name] !== settings[name])) await this.commands.send("/api/settings", changes, "training");
    const stage = this.asked.get("stage")?.split(":");
    if (stage) await this.commands.send("/api/stage", { kind: stage[0], ...(stage[1] && { index: Number(stage[1]) }) }, "stage");
    this.applying = false;
    if (this.asked.get("experiment")) this.state.tell("experiments");
  }

  #write() {
    const { settings, frame } = this.state;
    if (!settings || !frame || this.applying || !this.begun) return;
    const query = new URLSearchParams();
    const { preset, layers, experiment } = settings;
    if (experiment) {
      query.set("experiment", experiment[0]);
      if (experiment[1]) query.set("run", experiment[1]);
    } else {
      if (preset) query.set("preset", preset);
      else query.set("layers", layers.join(" "));
      for (const [name, [key]] of Object.entries(START)) {
        if (["preset", "layers"].includes(name)) continue;
        query.set(name, settings[key] === null ? "all" : String(settings[key]));
      }
    }
    if (settings.speed !== null) query.set("speed", settings.speed);
    if (settings.epoch_target !== null && !experiment) query.set("epochs", settings.epoch_target);
    const { kind, index } = frame.example;
    if (["pinned", "test"].includes(kind) && (kind === "test" || index)) query.set("stage", `${kind}:${index}`);
    else if (kind === "mistake" || kind === "latest") query.set("stage", kind);
    if (document.body.dataset.level !== "watch") query.set("level", document.body.dataset.level);
    if (this.asked.get("hide")) query.set("hide", this.asked.get("hide"));
    if (document.body.classList.contains("presenting")) query.set("present", "1");
    const text = `?${query}`;
    if (text !== location.search) history.replaceState(null, "", text);
  }
}

function read(query, names) {
  const found = {};
  for (const [name, [key, parse]] of Object.entries(names)) if (query.has(name)) found[key] = parse(query.get(name));
  return found;
}

const parts = (settings, names) => Object.fromEntries(Object.values(names).map(([key]) => [key, settings[key]]));
