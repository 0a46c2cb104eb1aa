// Sends commands. A refusal is said beside the field that it belongs to, in the server's words, and what was typed stays.

import { post } from "./api.js";
import { write } from "./dom.js";

export class Commands {
  constructor(state) {
    this.state = state;
  }

  /**
   * What a command changed comes with the stream, in order: the answer here may be older than what the stream has brought
   * meanwhile. `place` names the line for a refusal; `otherwise`, if given, is done instead of saying it. Returns whether
   * it was accepted.
   */
  async send(path, body, place = "transport", otherwise = null) {
    clear(place);
    if (this.state.access?.steers === false) return false; // it would be refused: access.js says so, and hides what asks
    try {
      await post(path, body);
      return true;
    } catch (problem) {
      if (otherwise) otherwise();
      else if (document.body.dataset.connection !== "lost") refuse(place, problem.message);
      return false;
    }
  }
}

/** Say beside a field why something was refused. */
export function refuse(place, message) {
  const line = lineOf(place);
  write(line, message);
  line.hidden = false;
}

export function clear(place) {
  lineOf(place).hidden = true;
}

const lineOf = (place) => document.querySelector(`[data-refusal="${place}"]`);
