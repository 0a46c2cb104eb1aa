// The confusion matrix as an HTML table. Each cell opens the images that it counts: the best way to understand a mistake
// is to look at it.

import { get } from "./api.js";
import { picture } from "./canvas.js";
import { bytes } from "./decode.js";
import { byId, make, write } from "./dom.js";
import { explain } from "./explain.js";
import { count } from "./numbers.js";
import { upperFirst } from "./state.js";

export class Confusion {
  constructor(state, stage) {
    Object.assign(this, { state, stage });
    this.table = byId("confusion");
    this.dialog = byId("images");
    this.size = 0;
    this.table.addEventListener("click", (event) => this.#open(event.target.closest("button")));
    this.table.addEventListener("keydown", (event) => this.#move(event));
    explain.parts(this.table, (target) => target.matches("button") && this.#about(target));
    byId("images-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
  }

  draw() {
    const { settings } = this.state;
    if (!settings) return;
    const { names: classes } = settings;
    // With a new network, the classes may be new while the matrix is still the old network's.
    const confusion = this.state.confusion?.matrix.length === classes.length ? this.state.confusion : null;
    if (this.classes !== String(classes)) this.#build(classes);
    write(byId("confusion-note"), confusion ? `${count(sum(confusion.matrix))} ${this.state.heldOut} images, at step ${count(confusion.step)}` : "not counted yet");
    const wrong = confusion?.matrix.map((row, actual) => row.filter((_, predicted) => predicted !== actual)).flat() ?? [];
    const mostWrong = Math.max(1, ...wrong);
    const mostRight = Math.max(1, ...(confusion?.matrix.map((row, i) => row[i]) ?? []));
    for (const button of this.table.querySelectorAll("button")) {
      const { actual, predicted } = numbersOf(button);
      const found = confusion?.matrix[actual][predicted];
      const share = (found ?? 0) / (actual === predicted ? mostRight : mostWrong);
      button.disabled = !confusion;
      write(button, found === undefined ? "" : String(found));
      button.classList.toggle("empty", !found);
      button.style.setProperty("--share", String(share));
      button.setAttribute("aria-label", `${pair(classes, actual, predicted)}: ${found ?? "not counted yet"}`);
    }
  }

  #build(classes) {
    this.classes = String(classes);
    const longest = Math.max(...classes.map(({ length }) => length));
    this.table.classList.toggle("long-names", longest > 4);
    this.table.classList.toggle("many", classes.length > 14);
    const corner = make("td", { class: "corner" }, "actual \\ answer");
    const head = make("tr", {}, corner, ...classes.map((name) => make("th", { scope: "col" }, make("span", {}, name))));
    const rows = classes.map((name, actual) =>
      make("tr", {}, make("th", { scope: "row" }, name), ...classes.map((_, predicted) => make("td", {}, cell(actual, predicted)))),
    );
    this.table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
    this.table.querySelector("button").tabIndex = 0;
  }

  #about(button) {
    const { actual, predicted } = numbersOf(button);
    const { called } = this.state.settings;
    const found = this.state.confusion?.matrix[actual][predicted] ?? 0;
    const times = found === 1 ? "time" : "times";
    const what = upperFirst(called[actual]);
    if (actual === predicted) return `${what}: recognized ${count(found)} ${times}. Click to see the images.`;
    return `${what}, taken for ${called[predicted]}: ${count(found)} ${times}. Click to see the images.`;
  }

  #move(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step || !event.target.matches("button")) return;
    event.preventDefault();
    const { actual, predicted } = numbersOf(event.target);
    const next = this.table.querySelector(`[data-actual="${actual + step[0]}"][data-predicted="${predicted + step[1]}"]`);
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  async #open(button) {
    if (!button) return;
    const { actual, predicted } = numbersOf(button);
    const { names } = this.state.settings;
    const list = byId("images-list");
    list.replaceChildren();
    write(byId("images-title"), pair(names, actual, predicted));
    write(byId("images-note"), "…");
    if (!this.dialog.open) this.dialog.showModal();
    try {
      const found = await get(`/api/confusion/${actual}/${predicted}`);
      const shown = found.images.length;
      const part = shown < found.count ? `, of which the first ${shown} are shown` : "";
      write(byId("images-note"), `${count(found.count)} ${found.count === 1 ? "image" : "images"}${part}; answers of step ${count(found.step)}`);
      list.append(...found.images.map((image, i) => this.#thumbnail(image, found.indices[i])));
    } catch (problem) {
      write(byId("images-note"), problem.message);
    }
  }

  /** An image, which a click puts on the stage. */
  #thumbnail(image, index) {
    const canvas = make("canvas", { width: 56, height: 56, "aria-hidden": true });
    picture(canvas.getContext("2d"), bytes(image), 0, 0, 56, "ink", 255, this.state.settings.image[1]);
    const button = make("button", { type: "button", class: "quiet", "aria-label": `put image ${index} on the stage` }, canvas);
    button.addEventListener("click", () => {
      this.dialog.close();
      this.stage.show("pinned", false, index);
    });
    return make("figure", { "data-index": index }, button, make("figcaption", {}, String(index)));
  }
}

const numbersOf = ({ dataset }) => ({ actual: Number(dataset.actual), predicted: Number(dataset.predicted) });

const sum = (matrix) => matrix.flat().reduce((total, n) => total + n, 0);

function cell(actual, predicted) {
  const kind = actual === predicted ? "right" : "wrong";
  return make("button", { type: "button", class: kind, tabindex: "-1", "data-actual": actual, "data-predicted": predicted });
}

const pair = (names, actual, predicted) => (actual === predicted ? `${names[actual]}, recognized` : `${names[actual]} taken for ${names[predicted]}`);
