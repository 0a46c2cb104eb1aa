// The way to a trainer in the page's own worker (worker.js): each message and its answer have the same number.

import { Refused } from "./refused.js";

const RELOAD = "Reload the page to start again.";

export class WorkerTransport extends EventTarget {
  comesBack = false;
  #worker = null;
  #stream = new EventTarget();
  #failed = null; // why it can't go on
  #asked = new Map(); // number → how to answer
  #number = 0;

  /** The answer to a question or a command; `body` is JSON, as a text or as a file. For weights, it is the text of a file. */
  async ask(method, path, body) {
    return this.#send({ kind: "ask", method, path, body: body instanceof Blob ? await body.text() : body });
  }

  /** Train on other images: files as {name, bytes}, whose bytes are given away. */
  async takeData(files) {
    return this.#send({ kind: "data", files }, files.map(({ bytes }) => bytes));
  }

  /** Start the worker. Events are those of a server's stream; "starting" comes here, with {stage, share} as its detail. */
  watch() {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => this.#take(data));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail(`${event.message ?? "static/worker.js can't be loaded"}. ${RELOAD}`);
    });
    this.#stream.close = () => {}; // it ends with the page
    return this.#stream;
  }

  async whyLost() {
    return this.#failed;
  }

  #send(message, given = []) {
    if (this.#failed) return Promise.reject(new Refused(this.#failed));
    return new Promise((resolve, reject) => {
      this.#number += 1;
      this.#asked.set(this.#number, { resolve, reject });
      this.#worker.postMessage({ ...message, number: this.#number }, given);
    });
  }

  #take({ kind, number, text, ...more }) {
    if (kind === "starting") this.dispatchEvent(new CustomEvent("starting", { detail: more }));
    else if (kind === "open") this.#stream.dispatchEvent(new Event("open"));
    else if (kind === "event") this.#stream.dispatchEvent(new MessageEvent(more.name, { data: text }));
    else if (kind === "failed") this.#fail(text);
    else {
      const { resolve, reject } = this.#asked.get(number);
      this.#asked.delete(number);
      if (kind === "refused") reject(new Refused(text));
      else resolve(kind === "file" ? text : JSON.parse(text));
    }
  }

  #fail(why) {
    if (this.#failed) return;
    this.#failed = why;
    for (const { reject } of this.#asked.values()) reject(new Refused(why));
    this.#asked.clear();
    this.#worker.terminate();
    this.#stream.dispatchEvent(new Event("error"));
  }
}
