// The visitor's own drawings: kept with their labels in this browser, used for training, saved to and read from a file.

import { clear, refuse } from "./commands.js";
import { bytes } from "./decode.js";
import { picture } from "./canvas.js";
import { byId, make } from "./dom.js";
import { calledOf, nameOf } from "./state.js";

const KEY = "nn_from_scratch drawings";
const SIDE = 42; // pixels on the screen
const MOST = 200;

export class Drawings {
  /** `current()`: the drawing on the pad as the network sees it, 28 × 28 bytes in base64, or null. */
  constructor(state, commands, current) {
    Object.assign(this, { state, commands, current });
    this.kept = [];
    byId("drawing-keep").addEventListener("click", () => this.#keep());
    byId("drawings-learn").addEventListener("click", () => this.#learn());
    byId("drawings-export").addEventListener("click", () => this.#export());
    byId("drawings-import").addEventListener("click", () => byId("drawings-file").click());
    byId("drawings-file").addEventListener("change", ({ target }) => this.#import(target));
    byId("drawings").addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button) this.#set(this.kept.filter((_, i) => i !== Number(button.dataset.index)));
    });
  }

  #set(kept) {
    this.kept = kept.slice(-MOST);
    try {
      localStorage.setItem(this.key, JSON.stringify(this.kept));
    } catch {
      /* not remembered when the page is closed */
    }
    this.draw();
  }

  #keep() {
    const image = this.current();
    clear("drawings");
    if (!image) return refuse("drawings", "There is nothing on the pad: draw something first.");
    return this.#set([...this.kept, { label: Number(byId("drawing-label").value), image }]);
  }

  #learn() {
    const images = this.kept.map(({ image }) => image);
    const labels = this.kept.map(({ label }) => label);
    return this.commands.send("/api/drawings", { images, labels }, "drawings");
  }

  #export() {
    const content = JSON.stringify({ format: "nn_from_scratch drawings", drawings: this.kept }, null, 1);
    const link = make("a", { href: `data:application/json,${encodeURIComponent(content)}`, download: "drawings.json" });
    link.click();
  }

  async #import(input) {
    const [file] = input.files;
    input.value = "";
    clear("drawings");
    try {
      const found = JSON.parse(await file.text()).drawings.filter(isDrawing);
      if (!found.length) throw new Error("empty");
      this.#set([...this.kept, ...found.map(({ label, image }) => ({ label, image }))]);
    } catch {
      refuse("drawings", `${file.name}: expected a file that this page exported.`);
    }
  }

  draw() {
    const { settings } = this.state;
    if (!settings) return;
    const key = settings.noun.one === "digit" ? KEY : `${KEY}: ${settings.data.name}`;
    if (key !== this.key) Object.assign(this, { key, kept: remembered(key) }); // label 3 has another meaning among other classes
    const select = byId("drawing-label");
    if (String(Array.from(select.options, ({ text }) => text)) !== String(settings.names)) {
      select.replaceChildren(...settings.classes.map((label, i) => make("option", { value: label }, settings.names[i])));
    }
    byId("drawings-row").hidden = !this.kept.length;
    byId("drawings").replaceChildren(
      ...this.kept.map(({ label, image }, i) => {
        const canvas = make("canvas", { width: SIDE, height: SIDE, "aria-hidden": true });
        picture(canvas.getContext("2d"), bytes(image), 0, 0, SIDE, "ink", 255);
        const button = make("button", { type: "button", class: "quiet", "data-index": i, "aria-label": `Remove this drawing of ${calledOf(settings, label) ?? label}` }, "×");
        return make("li", {}, canvas, make("span", {}, nameOf(settings, label) ?? String(label)), button);
      }),
    );
  }
}

const isDrawing = (one) => Number.isInteger(one?.label) && one.label >= 0 && one.label <= 255 && /^[A-Za-z0-9+/=]{1048}$/.test(one.image ?? "");

function remembered(key) {
  try {
    return (JSON.parse(localStorage.getItem(key)) ?? []).filter(isDrawing);
  } catch {
    return [];
  }
}
