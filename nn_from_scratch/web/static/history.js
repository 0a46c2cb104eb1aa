// The learning curve. Each frame brings the newest points; where training was faster than the frames, the missing ones
// are asked for, but not more than every two seconds: a faint dot more or less is not worth slowing the training down.

import { get } from "./api.js";

const MOST = 8000; // far more than a chart has columns; beyond it every second point goes
const PATIENCE = 2000; // milliseconds

export class History {
  run = null;
  points = []; // [step, epoch, loss, accuracy, rate]
  validation = []; // [step, loss, accuracy]
  next = 0; // the index, in the server's whole history, of the point that comes next
  #asked = -PATIENCE;
  #asking = false;

  /** Take a frame's points in. */
  take(frame, changed) {
    if (frame.run !== this.run) this.#begin(frame.run);
    const { points = [], points_from: from = this.next, validation } = frame;
    const gap = from > this.next;
    this.#append(points);
    if (validation && validation.step > (this.validation.at(-1)?.[0] ?? -1)) {
      this.validation.push([validation.step, validation.loss, validation.accuracy]);
    }
    if (gap) this.#fill(changed);
    else this.next = Math.max(this.next, from + points.length);
  }

  #begin(run) {
    Object.assign(this, { run, points: [], validation: [], next: 0 });
    this.#asked = -PATIENCE;
  }

  #append(points) {
    const last = this.points.at(-1)?.[0] ?? -1;
    this.points.push(...points.filter(([step]) => step > last));
    if (this.points.length > MOST) this.points = this.points.filter((_, i) => i % 2 === 0);
  }

  async #fill(changed) {
    if (this.#asking || performance.now() - this.#asked < PATIENCE) return;
    this.#asking = true;
    this.#asked = performance.now();
    const { run } = this;
    try {
      const found = await get(`/api/history?run=${run}&since=${this.next}`);
      if (this.run !== run || found.run !== run) return;
      const first = found.points[0]?.[0] ?? Infinity;
      const last = found.points.at(-1)?.[0] ?? -1;
      const [before, after] = [this.points.filter(([step]) => step < first), this.points.filter(([step]) => step > last)];
      this.points = before;
      this.#append(found.points);
      this.#append(after);
      this.next = found.from + found.points.length;
      this.validation = found.validation;
      changed();
    } catch {
      // The next frame with a gap asks again, and if the server is gone, connection.js says so.
    } finally {
      this.#asking = false;
    }
  }
}
