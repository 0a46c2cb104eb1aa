// Sends commands. A refusal is shown beside its field, in the server's words, and the field keeps what was typed.

import { post } from "./api.js";
import { write } from "./dom.js";

export class Commands {
  #last = Promise.resolve(); // the answer to the newest command

  constructor(state) {
    this.state = state;
  }

  /**
   * Send a command when the one before it has been answered: two on the way at once could arrive in the other order.
   *
   * The changes that a command makes come with the stream, in order: the answer here may be older than the stream's
   * latest news. `place` names the line for a refusal; `otherwise`, if given, is called instead of showing the refusal.
   * Returns the answer, or null where the command was refused.
   */
  send(path, body, place = "transport", otherwise = null) {
    return (this.#last = this.#last.then(() => this.#send(path, body, place, otherwise)));
  }

  async #send(path, body, place, otherwise) {
    clear(place);
    if (this.state.access?.steers === false) return null; // it would be refused: access.js says so, and hides the controls
    try {
      return await post(path, body);
    } catch (problem) {
      if (otherwise) otherwise();
      else if (document.body.dataset.connection !== "lost") refuse(place, problem.message);
      return null;
    }
  }
}

/** Show beside a field why something was refused. */
export function refuse(place, message) {
  const line = lineOf(place);
  write(line, message);
  line.hidden = false;
}

export function clear(place) {
  lineOf(place).hidden = true;
}

const lineOf = (place) => document.querySelector(`[data-refusal="${place}"]`);
