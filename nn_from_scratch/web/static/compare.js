// Runs that the visitor keeps: their curves stay in grey behind those of the present one, and a table shows their
// results and the settings in which they differ. To find out what a setting does, keep the seed and change only this.

import { byId, make, write } from "./dom.js";
import { percent, plain } from "./numbers.js";

const SETTINGS = {
  network: ({ layers, preset, sizes, activations }) => preset ?? (activations ? `${sizes.join("-")} ${activations[0]}` : layers.join(" ")),
  optimizer: ({ optimizer }) => optimizer,
  rate: ({ learning_rate }) => plain(learning_rate),
  batch: ({ batch_size }) => (batch_size === null ? "all" : String(batch_size)),
  decay: ({ weight_decay }) => plain(weight_decay),
  loss: ({ loss }) => loss,
  seed: ({ seed }) => String(seed),
  data: ({ data }) => data.name,
};
const MOST = 8;

export class Compare {
  constructor(state) {
    this.state = state;
    byId("keep").addEventListener("click", () => this.keep());
    byId("forget").addEventListener("click", () => this.#forget());
    this.number = 0;
  }

  /** Keep the present run under a name, by default "run 1", "run 2" … */
  keep(name = null) {
    const { settings, frame, history, kept } = this.state;
    if (!frame.step) return;
    this.number += 1;
    const best = Math.max(...history.validation.map(([, , accuracy]) => accuracy));
    const values = Object.fromEntries(Object.entries(SETTINGS).map(([key, of]) => [key, of(settings)]));
    const run = { name: name ?? `run ${this.number}`, values, best, last: frame.validation.accuracy, step: frame.step, points: [...history.points], validation: [...history.validation] };
    this.state.set("kept", [...kept, run].slice(-MOST));
  }

  #forget() {
    this.number = 0;
    this.state.set("kept", []);
  }

  draw() {
    const { kept, settings, frame, history } = this.state;
    const table = byId("kept");
    byId("keep").disabled = !frame?.step;
    byId("forget").hidden = table.hidden = !kept.length;
    if (!kept.length || !settings || !frame) return;
    const now = {
      name: "now",
      values: Object.fromEntries(Object.entries(SETTINGS).map(([key, of]) => [key, of(settings)])),
      best: Math.max(...history.validation.map(([, , accuracy]) => accuracy)),
      last: frame.validation?.accuracy,
      step: frame.step,
    };
    const rows = [...kept, now];
    // Only settings that differ have a column.
    const columns = Object.keys(SETTINGS).filter((key) => new Set(rows.map(({ values }) => values[key])).size > 1);
    const head = ["run", ...columns, "steps", `best on ${this.state.heldOut} images`, "last"];
    const cells = rows.map(({ name, values, best, last, step }) => [name, ...columns.map((key) => values[key]), String(step), percent(best), percent(last)]);
    const text = JSON.stringify([head, cells]);
    if (table.dataset.text === text) return;
    table.dataset.text = text;
    table.tHead.replaceChildren(make("tr", {}, ...head.map((title) => make("th", { scope: "col" }, title))));
    table.tBodies[0].replaceChildren(
      ...cells.map(([name, ...rest]) => make("tr", {}, make("th", { scope: "row" }, name), ...rest.map((cell) => make("td", {}, cell)))),
    );
    write(byId("compare-note"), columns.length ? "Only settings that differ are listed." : "So far all settings are the same: change one, and train again from the same seed.");
  }
}
