// The network at the top of the page, "784 → [100] → 10". Each hidden layer is a field; a change is built at once.

import { fill, keep } from "./controls.js";
import { byId, make, write } from "./dom.js";

export class Editor {
  constructor(state, commands) {
    Object.assign(this, { state, commands });
    this.list = byId("editor-layers");
    this.unanswered = 0; // changes that the server hasn't answered yet
    byId("editor").addEventListener("submit", (event) => event.preventDefault());
    this.list.addEventListener("change", () => this.#build({ hidden: this.#hidden() }));
    byId("add-layer").addEventListener("click", () => {
      const before = this.#hidden();
      const hidden = [...before, before.at(-1) ?? 32];
      this.#drawFields(hidden, this.state.settings.limits.units); // at once, so that a second click adds a second layer
      this.#build({ hidden });
    });
    byId("activation").addEventListener("change", ({ target }) => this.#build({ activation: target.value }));
  }

  /** An emptied field, or 0, removes its layer. */
  #hidden() {
    return [...this.list.querySelectorAll("input")].map(({ value }) => Number(value)).filter(Boolean);
  }

  async #build(parts) {
    this.unanswered += 1;
    const answer = await this.commands.send("/api/restart", { seed: this.state.settings.seed, ...parts }, "editor");
    this.unanswered -= 1;
    this.refused = !answer;
    if (answer) this.built = answer.state;
    this.draw();
  }

  /** Until the news of the last change have come, the fields show what was typed: older news would take it back. */
  #isAhead({ server, run }) {
    return this.unanswered > 0 || (this.built?.server === server && run < this.built.run);
  }

  draw() {
    const { settings } = this.state;
    if (!settings) return;
    const { sizes, layers, activations, menus, limits, run } = settings;
    if (this.#isAhead(settings)) return;
    byId("add-layer").hidden = !activations || sizes.length - 2 >= limits.hidden_layers;
    const bends = Boolean(activations) && activations.length > 1;
    byId("editor-activation").hidden = !bends;
    if (!activations) {
      write(byId("architecture"), layers.join(" · "));
      this.list.replaceChildren();
      write(byId("editor-end"), "");
      return;
    }
    write(byId("architecture"), `${sizes[0]} →`);
    if (bends) {
      fill("activation", activations[0] in menus.activations ? menus.activations : { ...menus.activations, [activations[0]]: activations[0] });
      keep("activation", activations[0]);
    }
    write(byId("editor-end"), `${sizes.at(-1)} ${activations.at(-1)}`);
    if (this.refused && this.run === run) return; // what was typed stays, beside the reason
    this.run = run;
    this.#drawFields(sizes.slice(1, -1), limits.units);
  }

  #drawFields(hidden, most) {
    while (this.list.children.length > hidden.length) this.list.lastChild.remove();
    while (this.list.children.length < hidden.length) {
      const id = `hidden-${this.list.children.length + 1}`;
      const input = make("input", { type: "number", id, min: 0, max: most, step: 1, "aria-label": `units of hidden layer ${id.split("-")[1]}, 1 to ${most}; empty: no layer`, title: `1 to ${most} units; empty removes the layer` });
      this.list.append(make("span", {}, input, " →"));
    }
    hidden.forEach((units, i) => keep(`hidden-${i + 1}`, units));
  }
}
