// Which image is on the stage: always the same, the one just learnt, a mistake, a test image, or the visitor's drawing.

import { byId } from "./dom.js";

export class Stage {
  constructor(state, commands, drawing) {
    Object.assign(this, { state, commands, drawing });
    this.buttons = [...document.querySelectorAll(".stagebar [data-kind]")];
    for (const button of this.buttons) button.addEventListener("click", () => this.show(button.dataset.kind));
    byId("stage-next").addEventListener("click", () => this.show(this.state.frame.example.kind, true));
  }

  /** Put an image of this kind on the stage; with `another`, the one after the present one. */
  show(kind, another = false, index = null) {
    const { example } = this.state.frame;
    const body = { kind };
    if (kind === "drawing") Object.assign(body, this.drawing());
    else if (index !== null) body.index = index;
    else if (another && kind !== "mistake" && kind !== "latest") body.index = example.index + 1;
    return this.commands.send("/api/stage", body, "stage", another && body.index !== undefined && (() => this.show(kind, false, 0)));
  }

  draw() {
    const { frame } = this.state;
    if (!frame) return;
    const { kind } = frame.example;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    byId("stage-next").disabled = kind === "drawing" || kind === "latest";
  }
}
