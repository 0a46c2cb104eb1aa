// Experiments: each card asks for a prediction first, then sets everything, trains one run after another, keeps their
// curves, and compares the results with the prediction. The experiments come from the server: experiments.py.

import { get } from "./api.js";
import { byId, make, write } from "./dom.js";
import { percent } from "./numbers.js";

export class Experiments {
  constructor(state, commands, compare) {
    Object.assign(this, { state, commands, compare });
    this.list = byId("experiment-cards");
    this.card = byId("experiment");
    this.current = null; // {experiment, predicted, results}
    byId("experiments-open").addEventListener("click", () => this.#show(byId("experiments").hidden));
    byId("experiments-close").addEventListener("click", () => this.#show(false));
    // The address already names the experiment, but the news of its first run may not have arrived yet.
    state.on(["experiments"], () => this.#open(new URLSearchParams(location.search).get("experiment")));
    state.on(["frame"], () => this.#go());
  }

  async #show(open) {
    byId("experiments").hidden = !open;
    byId("experiments-open").setAttribute("aria-expanded", String(open));
    if (!open) byId("experiments-open").focus();
    if (!open || this.experiments) return;
    this.experiments = (await get("/api/experiments")).experiments;
    this.list.replaceChildren(
      ...this.experiments.map((experiment, i) => {
        const button = make("button", { type: "button", "data-experiment": experiment.name }, `${i + 1}. ${experiment.title}`);
        button.addEventListener("click", () => this.#choose(experiment));
        return make("div", { role: "listitem" }, button);
      }),
    );
  }

  /** Open the experiment that the address names. */
  async #open(name) {
    await this.#show(true);
    const found = this.experiments?.find((experiment) => experiment.name === name);
    if (found) this.#choose(found);
  }

  /** A card: the question, and the answers to choose from. */
  #choose(experiment) {
    this.current = null;
    for (const button of this.list.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.experiment === experiment.name));
    const answers = experiment.answers.map((answer, i) => {
      const button = make("button", { type: "button", "data-answer": i }, answer);
      button.addEventListener("click", () => this.#begin(experiment, i));
      return button;
    });
    this.card.hidden = false;
    this.card.dataset.experiment = experiment.name;
    this.card.dataset.stage = "question";
    this.card.replaceChildren(
      make("h3", {}, experiment.title),
      make("p", {}, make("b", {}, "Predict: "), experiment.question),
      make("div", { class: "row answers", role: "group", "aria-label": "Your prediction" }, ...answers),
    );
  }

  /** After the prediction: one run after another. */
  async #begin(experiment, predicted) {
    this.current = { experiment, predicted, results: [], run: -1 };
    this.state.set("kept", []);
    this.card.dataset.stage = "running";
    this.rows = experiment.runs.map(({ name }) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, "…")));
    const table = make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "run"), make("th", { scope: "col" }, "test images read right"))), make("tbody", {}, ...this.rows));
    this.verdict = make("p", { "aria-live": "polite" }, `Your prediction: ${experiment.answers[predicted]}. Training …`);
    this.card.replaceChildren(make("h3", {}, experiment.title), make("p", {}, experiment.question), table, this.verdict);
    await this.#next();
  }

  async #next() {
    const { experiment } = this.current;
    this.current.run += 1;
    const begun = await this.commands.send("/api/experiment", { name: experiment.name, run: this.current.run });
    if (begun) await this.commands.send("/api/start");
  }

  /** With every frame: is the present run over? */
  #go() {
    const { current, state } = this;
    if (!current || this.busy || !state.settings?.experiment) return;
    const { experiment, run, results } = current;
    const [name, number] = state.settings.experiment;
    const over = ["finished", "diverged"].includes(state.settings.state);
    if (name !== experiment.name || number !== run || !over || run < 0) return;
    this.busy = true;
    const { accuracy } = state.frame.validation;
    results.push(accuracy);
    write(this.rows[run].cells[1], percent(accuracy));
    this.rows[run].cells[1].dataset.value = accuracy;
    if (run + 1 < experiment.runs.length) {
      this.compare.keep(experiment.runs[run].name);
      // A short run may be over before the answer to its start arrives: then no later frame would say so.
      this.#next().finally(() => {
        this.busy = false;
        this.#go();
      });
    } else {
      this.busy = false;
      this.#end();
    }
  }

  #end() {
    const { experiment, predicted } = this.current;
    this.current = null;
    const right = predicted === experiment.right;
    this.card.dataset.stage = "done";
    write(this.verdict, right ? "Your prediction was right." : `Your prediction: ${experiment.answers[predicted]}. The right answer: ${experiment.answers[experiment.right]}.`);
    this.card.append(make("p", { class: "why" }, make("b", {}, "Why: "), experiment.why));
  }
}
