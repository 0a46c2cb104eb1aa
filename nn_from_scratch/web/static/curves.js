// Loss and accuracy against the step. Each batch is a faint dot, because a single batch says little; the line is a mean
// of the last points, and a note says so. Validation is measured on all held-out images, so it is drawn as it is.

import { fit } from "./canvas.js";
import { colours } from "./colours.js";
import { byId, remSize, write } from "./dom.js";
import { explain } from "./explain.js";
import { count, fixed, percent, plain, short } from "./numbers.js";

const PAUSE = 500; // milliseconds
const [STEP, LOSS, ACCURACY] = [0, 2, 3]; // places in a raw point

export class Curve {
  constructor(state, { name, column, format }) {
    Object.assign(this, { state, name, column, format });
    this.canvas = byId(`${name}-curve`);
    this.log = byId(`${name}-log`);
    this.at = null; // the step under the pointer or the keyboard's cursor
    this.log?.addEventListener("change", () => this.draw());
    this.canvas.addEventListener("pointermove", ({ offsetX }) => this.#read(this.#stepAt?.(offsetX)));
    this.canvas.addEventListener("pointerleave", () => this.#read(null));
    this.canvas.addEventListener("blur", () => this.#read(null));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #stepAt = null;
  drawn = -Infinity;

  draw() {
    if (!this.canvas.clientWidth) return; // not shown
    if (this.#isTooSoon()) return;
    const { points, validation } = this.state.history;
    const { kept } = this.state;
    const [context, width, height] = fit(this.canvas);
    const font = Math.max(11, 0.7 * remSize());
    this.edge = { left: 4.2 * font, right: 10, top: Math.max(8, 0.6 * font), bottom: 2 * font }; // room for the labels
    const raw = points.map((point) => [point[STEP], point[this.column]]);
    const window = Math.max(1, Math.min(100, Math.round(raw.length / 30)));
    this.line = smoothed(raw, window);
    this.validation = validation.map((point) => [point[0], point[this.column - 1]]);
    this.#writeNumbers(raw.length, window);
    this.kept = kept.map((run) => ({ name: run.name, validation: run.validation.map((point) => [point[0], point[this.column - 1]]) }));
    const last = Math.max(1, raw.at(-1)?.[0] ?? 1, this.validation.at(-1)?.[0] ?? 1, ...this.kept.map((run) => run.validation.at(-1)?.[0] ?? 1));
    const scale = this.#scale(raw);
    const x = (step) => this.edge.left + (step / last) * (width - this.edge.left - this.edge.right);
    const y = (value) => this.edge.top + (1 - scale.share(value)) * (height - this.edge.top - this.edge.bottom);
    this.#stepAt = (offset) => ((offset - this.edge.left) / (width - this.edge.left - this.edge.right)) * last;

    this.#drawAxes(context, { width, height, x, y, last, scale, font });
    context.save();
    context.beginPath();
    context.rect(this.edge.left - 4, this.edge.top - 4, width - this.edge.left + 4, height - this.edge.top - this.edge.bottom + 6);
    context.clip();
    for (const run of this.kept) this.#drawKept(context, run, x, y);
    context.fillStyle = colours.positive;
    context.globalAlpha = raw.length > 1500 ? 0.12 : 0.25;
    for (const [step, value] of raw) context.fillRect(x(step) - 1, y(value) - 1, 2, 2);
    context.globalAlpha = 1;
    drawLine(context, this.line, x, y, colours.positive);
    drawLine(context, this.validation, x, y, colours.negative, true);
    context.restore();
    this.#drawMarks(context, x, width, height);
    if (this.at !== null) this.#drawCursor(context, x, y, height);
  }

  /** During training, a long curve changes little between frames, and drawing it takes as long as everything else. */
  #isTooSoon() {
    const wait = this.state.settings?.state === "training" && this.at === null ? this.drawn + PAUSE - performance.now() : 0;
    if (wait > 0) {
      this.later ??= setTimeout(() => {
        this.later = null;
        this.draw();
      }, wait);
      return true;
    }
    this.drawn = performance.now();
    return false;
  }

  #writeNumbers(n, window) {
    const { name } = this;
    const value = (pairs) => (pairs.length ? this.format(pairs.at(-1)[1]) : "–");
    write(byId(`${name}-training`), value(this.line));
    write(byId(`${name}-validation`), value(this.validation));
    const note = n > 0 ? `dots: single batches · line: mean of the last ${count(window)}${window === 1 ? " batch" : " points"}` : "no step yet";
    write(byId(`${name}-note`), note);
    write(byId(`${name}-held-out`), this.state.heldOut);
    const label = `${name}: training ${value(this.line)}, ${this.state.heldOut} ${value(this.validation)}. Arrow keys read the curve.`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }

  /** From a value to its height, 0 … 1, and the values at which to draw a line. */
  #scale(raw) {
    const values = [...this.line, ...this.validation, ...this.kept.flatMap(({ validation }) => validation)].map(([, value]) => value).filter(Number.isFinite);
    if (this.column === ACCURACY) {
      // From the multiple of ten per cent below most of the curve: after a while the rise at the start is cut off.
      const sorted = values.toSorted((a, b) => a - b);
      const low = Math.max(0, Math.floor((sorted[Math.floor(sorted.length / 20)] ?? 0) * 10 - 0.3) / 10);
      return { share: (value) => (value - low) / (1 - low), ticks: linearTicks(low, 1) };
    }
    if (this.log.checked && values.length) {
      const [least, most] = [Math.max(1e-8, Math.min(...values)) / 1.5, Math.max(...values) * 1.5];
      const [from, to] = [Math.log(least), Math.log(most)];
      return { share: (value) => (Math.log(Math.max(value, 1e-12)) - from) / (to - from), ticks: logTicks(least, most) };
    }
    const dots = raw.slice(-400).map(([, value]) => value).filter(Number.isFinite);
    const most = Math.max(...values, quantile(dots, 0.98), 1e-6) * 1.05;
    return { share: (value) => value / most, ticks: linearTicks(0, most) };
  }

  #drawAxes(context, { width, height, x, y, last, scale, font }) {
    context.font = `${font}px system-ui, sans-serif`;
    context.fillStyle = colours.muted;
    context.strokeStyle = colours.line;
    context.lineWidth = 1;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of scale.ticks) {
      const at = Math.round(y(tick)) + 0.5;
      context.beginPath();
      context.moveTo(this.edge.left, at);
      context.lineTo(width - this.edge.right, at);
      context.stroke();
      context.fillText(this.column === ACCURACY ? `${Math.round(tick * 100)} %` : plain(tick), this.edge.left - 6, at);
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    const ticks = linearTicks(0, last).filter((step) => Number.isInteger(step) && x(step) < width - 5.5 * font);
    for (const step of ticks) context.fillText(count(step), x(step), height - 5);
    context.textAlign = "right";
    context.fillText("step", width - this.edge.right, height - 5);
    this.#drawEpochs(context, x, width, height);
  }

  /** A dotted line where an epoch ends, as long as they are few. */
  #drawEpochs(context, x, width, height) {
    const { points } = this.state.history;
    const ends = points.filter(([, epoch], i) => i > 0 && Math.floor(epoch + 1e-9) > Math.floor(points[i - 1][1] + 1e-9));
    if (ends.length > 12) return;
    context.save();
    context.setLineDash([2, 4]);
    context.globalAlpha = 0.5;
    context.strokeStyle = colours.muted;
    context.textAlign = "left";
    const at = this.column === ACCURACY ? height - this.edge.bottom - 4 : this.edge.top + 8; // where the curve is not
    for (const [i, [step, epoch]] of ends.entries()) {
      context.beginPath();
      context.moveTo(x(step), this.edge.top);
      context.lineTo(x(step), height - this.edge.bottom);
      context.stroke();
      const text = `${i ? "" : "epoch "}${Math.floor(epoch + 1e-9)}`;
      if (ends.length <= 6 && x(step) < width - 50) context.fillText(text, x(step) + 4, at);
    }
    context.restore();
  }

  /** A run that was kept: in grey, with its name at the end. */
  #drawKept(context, { name, validation }, x, y) {
    if (!validation.length) return;
    context.globalAlpha = 0.75;
    drawLine(context, validation, x, y, colours.muted);
    const [step, value] = validation.at(-1);
    context.textAlign = "right";
    context.fillText(name, x(step) - 4, y(value) - 5);
    context.globalAlpha = 1;
  }

  /** Where the rate, the optimizer or something else was changed during the training. */
  #drawMarks(context, x, width, height) {
    const marks = this.state.settings?.marks ?? [];
    context.save();
    context.strokeStyle = context.fillStyle = colours.ink;
    context.textAlign = "left";
    marks.forEach(([step, text], i) => {
      const at = x(step);
      context.beginPath();
      context.moveTo(at, this.edge.top);
      context.lineTo(at, height - this.edge.bottom);
      context.stroke();
      const room = (i + 1 < marks.length ? x(marks[i + 1][0]) : width) - at;
      if (context.measureText(text).width + 8 < room) context.fillText(text, at + 4, this.edge.top + 20);
    });
    context.restore();
  }

  #drawCursor(context, x, y, height) {
    context.strokeStyle = colours.muted;
    context.beginPath();
    context.moveTo(x(this.at), this.edge.top);
    context.lineTo(x(this.at), height - this.edge.bottom);
    context.stroke();
    for (const [pairs, colour] of [[this.line, colours.positive], [this.validation, colours.negative]]) {
      const nearest = near(pairs, this.at);
      if (!nearest) continue;
      context.fillStyle = colour;
      context.beginPath();
      context.arc(x(nearest[0]), y(nearest[1]), 4, 0, 2 * Math.PI);
      context.fill();
    }
  }

  #key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const last = this.line?.at(-1)?.[0];
    if (!by || !last) return;
    event.preventDefault();
    this.#read(Math.max(0, Math.min(last, (this.at ?? last) + (by * last) / 40)));
  }

  #read(step) {
    const training = Number.isFinite(step) && this.line?.length ? near(this.line, step) : null;
    this.at = training ? training[0] : null;
    if (training) {
      const validation = near(this.validation, step);
      const box = this.canvas.getBoundingClientRect();
      const share = this.at / Math.max(1, this.line.at(-1)[0]);
      const x = box.left + this.edge.left + share * (box.width - this.edge.left - this.edge.right);
      const held = validation ? `, ${this.state.heldOut} ${this.format(validation[1])} at step ${count(validation[0])}` : "";
      explain.show(this.canvas, `Step ${count(this.at)}: training ${this.format(training[1])}${held}.`, new DOMRect(x, box.top, 0, box.height));
    } else explain.hide();
    this.draw();
  }
}

export function curves(state) {
  return [
    new Curve(state, { name: "loss", column: LOSS, format: (x) => short(x) }),
    new Curve(state, { name: "accuracy", column: ACCURACY, format: (x) => (Number.isFinite(x) ? percent(x) : fixed(x)) }),
  ];
}

/** The mean of each point and the `window` − 1 before it. */
function smoothed(pairs, window) {
  let sum = 0;
  return pairs.map(([step, value], i) => {
    sum += value - (i >= window ? pairs[i - window][1] : 0);
    return [step, sum / Math.min(i + 1, window)];
  });
}

function drawLine(context, pairs, x, y, colour, dots = false) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  for (const [step, value] of pairs) context.lineTo(x(step), y(value));
  context.stroke();
  if (pairs.length > 1 && (!dots || pairs.length > 60)) return; // a single point has no line
  for (const [step, value] of pairs) {
    context.beginPath();
    context.arc(x(step), y(value), 3, 0, 2 * Math.PI);
    context.fill();
  }
}

const near = (pairs, step) =>
  pairs.reduce((best, pair) => (!best || Math.abs(pair[0] - step) < Math.abs(best[0] - step) ? pair : best), null);

function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

/** About four round numbers from `from` to `to`. */
function linearTicks(from, to) {
  const rough = (to - from) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to * (1 + 1e-9); i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** 1, 2 and 5 of each power of ten, or the powers alone where there are many. */
function logTicks(from, to) {
  const powers = Math.log10(to / from);
  const ticks = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power++) {
    for (const n of powers > 2 ? [1] : [1, 2, 5]) ticks.push(Number((n * 10 ** power).toPrecision(3)));
  }
  return ticks.filter((tick) => tick >= from && tick <= to);
}
