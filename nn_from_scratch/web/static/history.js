// The learning curve. Each frame has the newest points. If training is faster than the frames, points are missing; they
// are requested later, and not with every frame: faint dots can wait, and each request slows the training down.

import { get } from "./api.js";

const PATIENCE = 700; // milliseconds

export class History {
  run = null;
  points = []; // [step, epoch, loss, accuracy, rate], at every step that is a multiple of `every`
  validation = []; // [step, loss, accuracy]
  every = 1; // the server doubles it when there are too many points
  #complete = 0; // up to this step no point is missing
  #asked = -PATIENCE;
  #asking = false;
  #timer = null;

  /** Add a frame's points; `changed` is called when missing ones have arrived. */
  take(frame, changed) {
    if (frame.run !== this.run) Object.assign(this, { run: frame.run, points: [], validation: [], every: 1 }).#begin();
    const { points, points_every: every, validation } = frame;
    this.#thin(every);
    if (validation && validation.step > (this.validation.at(-1)?.[0] ?? -1)) {
      this.validation.push([validation.step, validation.loss, validation.accuracy]);
    }
    if (!points.length) return;
    const gap = points[0][0] > this.#complete + every;
    this.#merge(points);
    if (gap) this.#fill(changed);
    else this.#complete = points.at(-1)[0];
  }

  #begin() {
    this.#complete = 0;
    this.#asked = -PATIENCE;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #thin(every) {
    if (every === this.every) return;
    this.every = every;
    this.points = this.points.filter(([step]) => step % every === 0);
  }

  #merge(points) {
    const [first, last] = [points[0][0], points.at(-1)[0]];
    const before = this.points.filter(([step]) => step < first);
    const after = this.points.filter(([step]) => step > last);
    this.points = [...before, ...points, ...after];
  }

  async #fill(changed) {
    if (this.#asking) return;
    const wait = this.#asked + PATIENCE - performance.now();
    if (wait > 0) {
      this.#timer ??= setTimeout(() => this.#fill(changed), wait);
      return;
    }
    this.#timer = null;
    this.#asking = true;
    this.#asked = performance.now();
    const { run } = this;
    try {
      const since = Math.floor(this.#complete / this.every);
      const found = await get(`/api/history?run=${run}&since=${since}`);
      if (this.run !== run || found.run !== run || !found.points.length) return;
      this.#thin(found.every);
      this.#merge(found.points);
      if (found.points[0][0] <= this.#complete + found.every) this.#complete = found.points.at(-1)[0];
      this.validation = found.validation;
      changed();
    } catch {
      // The next frame with a gap asks again, and if the server is gone, connection.js says so.
    } finally {
      this.#asking = false;
    }
  }
}
