// A canvas whose drawing is a grid of things to choose from: strips of neurons, tiles of weights. Pointer, arrow keys
// and Enter work as in a list, and each cell has an explanation.

import { explain } from "./explain.js";

export class Cells {
  columns = 1;
  count = 0;
  focused = -1; // the cell that the keyboard is on

  /** `box(i)`: cell i as {x, y, width, height} on the canvas; `about(i)`: its text; `choose(i)`: what Enter does. */
  constructor(canvas, { box, about, choose, changed }) {
    Object.assign(this, { canvas, box, about, choose, changed });
    canvas.addEventListener("pointermove", (event) => this.#point(this.#at(event)));
    canvas.addEventListener("pointerleave", () => this.#point(-1));
    canvas.addEventListener("click", (event) => this.#at(event) >= 0 && choose(this.#at(event)));
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && this.#go(Math.max(0, this.focused)));
    canvas.addEventListener("blur", () => this.#go(-1));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #at({ offsetX, offsetY }) {
    for (let i = 0; i < this.count; i++) {
      const { x, y, width, height } = this.box(i);
      if (offsetX >= x && offsetX < x + width && offsetY >= y && offsetY < y + height) return i;
    }
    return -1;
  }

  #point(i) {
    this.canvas.classList.toggle("choosing", i >= 0);
    if (i >= 0) this.#tell(i, explain.showSoon);
    else explain.hide();
  }

  #key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (by) this.#go(Math.max(0, Math.min(this.count - 1, this.focused + by)));
    else if (event.key === "Enter" && this.focused >= 0) this.choose(this.focused);
    else return;
    event.preventDefault();
  }

  #go(i) {
    this.focused = i < this.count ? i : -1;
    if (this.focused >= 0) {
      this.#tell(this.focused, explain.show);
      this.canvas.setAttribute("aria-label", this.about(this.focused));
    }
    this.changed();
  }

  #tell(i, say) {
    const canvas = this.canvas.getBoundingClientRect();
    const { x, y, width, height } = this.box(i);
    say(this.canvas, this.about(i), new DOMRect(canvas.left + x, canvas.top + y, width, height));
  }
}
