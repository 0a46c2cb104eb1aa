// The pad on which visitors draw. Only strokes are kept here. The server does the rest (threshold, scaling, centring),
// so that the page and the command line read the same drawing the same way.

import { post } from "./api.js";
import { picture } from "./canvas.js";
import { colours } from "./colours.js";
import { base64, bytes } from "./decode.js";
import { byId, write } from "./dom.js";
import { fixed } from "./numbers.js";
import { fitNames, showBars } from "./network_picture.js";

const SIDE = 280;
const PEN = 22; // about two of the 28 pixels wide, as in MNIST
const AGAIN = 500; // milliseconds between two answers to the same drawing while training
const [STRIDE, FINE] = [8, 2]; // of the keyboard's pen

export class DrawPad {
  constructor(state) {
    this.state = state;
    this.pad = byId("pad");
    this.centre = byId("centre");
    this.strokes = []; // lists of [x, y]
    this.pen = null; // the keyboard's: {x, y, down}
    this.asked = 0;
    this.pad.addEventListener("pointerdown", (event) => this.#begin(event));
    this.pad.addEventListener("pointermove", (event) => this.#continue(event));
    for (const end of ["pointerup", "pointercancel"]) this.pad.addEventListener(end, () => (this.drawing = null));
    this.pad.addEventListener("keydown", (event) => this.#key(event));
    this.pad.addEventListener("blur", () => this.#lift());
    byId("pad-undo").addEventListener("click", () => this.#undo());
    byId("pad-clear").addEventListener("click", () => this.#clear());
    this.centre.addEventListener("change", () => this.#changed());
  }

  /** After a change of theme, size or data. */
  draw() {
    if (this.state.settings) this.#offer(this.state.settings);
    const context = this.pad.getContext("2d");
    context.fillStyle = colours["image-paper"];
    context.fillRect(0, 0, SIDE, SIDE);
    inkStrokes(context, this.strokes, colours["image-ink"]);
    if (this.pen) {
      context.strokeStyle = colours.positive;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(this.pen.x, this.pen.y, PEN / 2, 0, 2 * Math.PI);
      context.stroke();
    }
    if (this.answer) this.#showImage();
  }

  /** Say what to draw. There is a pad only for grey images of 28 × 28 pixels. */
  #offer({ noun: { one, a, many }, pad }) {
    for (const part of document.querySelectorAll(".draw, [data-kind=drawing]")) part.hidden = !pad;
    if (one === this.noun) return;
    this.noun = one;
    const written = ["digit", "character"].includes(one);
    write(byId("draw-title"), `Draw ${a}`);
    write(byId("pad-note"), `The pad draws strokes of a pen, as in handwriting. If the ${many} that this network learns from look different, fill in the shape, as large as the pad.`);
    byId("pad-note").hidden = written;
    this.centre.checked = written || one === "picture"; // the word for an unknown kind of image
  }

  /** A new frame: the network has changed, so its answer may have. */
  frameCame() {
    if (this.strokes.length && performance.now() - this.asked > AGAIN) this.#ask();
  }

  /** The drawing as a command takes it. */
  asCommand() {
    return { strokes_image: base64(this.#image()), centre: this.centre.checked };
  }

  /** The image that the network was given, in base64; null where nothing is drawn. */
  get seen() {
    return this.answer && !this.answer.empty ? this.answer.image : null;
  }

  #changed() {
    this.draw();
    this.#ask();
  }

  #begin(event) {
    if (event.button !== 0) return;
    this.pen = null;
    this.pad.setPointerCapture(event.pointerId);
    this.drawing = [this.#place(event)];
    this.strokes.push(this.drawing);
    this.#changed();
  }

  #continue(event) {
    if (!this.drawing) return;
    // All the places the pointer passed since the last frame of the screen: a quick curve stays round.
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) this.drawing.push(this.#place(one));
    this.#changed();
  }

  #place(event) {
    const box = this.pad.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  }

  #undo() {
    this.strokes.pop();
    this.#lift();
    this.#changed();
  }

  #clear() {
    this.strokes = [];
    this.#lift();
    this.#changed();
  }

  #lift() {
    this.drawing = null;
    this.pen = null;
    this.draw();
  }

  #key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (by) this.#movePen(by, event.shiftKey ? FINE : STRIDE);
    else if (event.key === " ") this.#tap();
    else if (event.key === "Delete") this.#clear();
    else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) this.#undo();
    else return;
    event.preventDefault();
    event.stopPropagation(); // here Space is the pen, not the start button
  }

  #movePen([dx, dy], stride) {
    this.pen ??= { x: SIDE / 2, y: SIDE / 2, down: null };
    this.pen.x = Math.max(0, Math.min(SIDE, this.pen.x + dx * stride));
    this.pen.y = Math.max(0, Math.min(SIDE, this.pen.y + dy * stride));
    this.pen.down?.push([this.pen.x, this.pen.y]);
    if (this.pen.down) this.#changed();
    else this.draw();
  }

  #tap() {
    this.pen ??= { x: SIDE / 2, y: SIDE / 2, down: null };
    if (this.pen.down) this.pen.down = null;
    else this.strokes.push((this.pen.down = [[this.pen.x, this.pen.y]]));
    this.#changed();
  }

  /** Ask for an answer; while one is under way, only remember that there is something newer. */
  async #ask() {
    this.pad.dataset.answered = false;
    if (this.asking) {
      this.newer = true;
      return;
    }
    this.asking = true;
    this.newer = false;
    this.asked = performance.now();
    try {
      this.answer = await post("/api/predict", this.asCommand());
      this.#show();
      const onStage = this.state.frame?.example.kind === "drawing" && this.state.access?.steers !== false;
      if (onStage && !this.answer.empty) await post("/api/stage", { kind: "drawing", ...this.asCommand() });
    } catch (problem) {
      if (document.body.dataset.connection !== "lost") write(byId("draw-answer"), problem.message);
    }
    this.asking = false;
    if (this.newer) this.#ask();
    else this.pad.dataset.answered = true;
  }

  /** The drawing as 280 × 280 bytes, ink 255. */
  #image() {
    const context = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
    inkStrokes(context, this.strokes, "black");
    return context.getImageData(0, 0, SIDE, SIDE).data.filter((_, i) => i % 4 === 3);
  }

  #show() {
    const { empty, message, outputs, answer } = this.answer;
    const { classes, names } = this.state.settings;
    const text = byId("draw-answer");
    write(text, message);
    text.dataset.answer = empty ? "" : answer;
    this.#showImage();
    fitNames(byId("draw-outputs"), names);
    showBars(byId("draw-outputs"), empty ? 0 : outputs.length, (row, i) => {
      row.style.setProperty("--share", String(Math.min(1, Math.abs(outputs[i]))));
      row.classList.toggle("negative", outputs[i] < 0);
      row.classList.toggle("answer", classes[i] === answer);
      row.dataset.value = outputs[i];
      write(row.children[0], names[i]);
      write(row.children[2], fixed(outputs[i], 2));
    });
  }

  #showImage() {
    const seen = this.answer.empty ? new Uint8Array(784) : bytes(this.answer.image);
    picture(byId("seen").getContext("2d"), seen, 0, 0, 28, "ink", 255);
  }
}

function inkStrokes(context, strokes, ink) {
  Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: ink, fillStyle: ink });
  for (const places of strokes) {
    context.beginPath();
    context.arc(...places[0], PEN / 2, 0, 2 * Math.PI); // a dot is a stroke, too, and a line of length 0 has no ink
    context.fill();
    context.beginPath();
    for (const place of places) context.lineTo(...place);
    context.stroke();
  }
}
