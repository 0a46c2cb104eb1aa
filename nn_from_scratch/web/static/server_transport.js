// The way to a trainer in a server: fetch for questions and commands, and one request after another for the news.

import { byId } from "./dom.js";
import { Refused } from "./refused.js";

const STOPPED =
  "The server has stopped, or can't be reached. This page shows what it last received. " +
  "Start the server again with python -m nn_from_scratch.web, and the page reconnects by itself.";
const PATIENCE = 20_000; // milliseconds for an answer: the server gives one after five seconds at the latest
const SHARE = 1 / 4; // of the line's time, at most, is for the tiles: they are five times as large as everything else
const TOKEN = "token"; // of the presenter; in the address when the page is opened, and then only in this tab's memory

export class ServerTransport {
  comesBack = true; // a server can be started again
  #token = takeToken();
  #stream = null;
  #line = new AbortController(); // ends the questions that a lost connection will never answer

  /** The answer to a question or a command; `body` is JSON, as a text or as a file. */
  async ask(method, path, body) {
    const headers = { ...this.#headers(), ...(method === "POST" && { "Content-Type": "application/json" }) };
    const response = await fetch(path, { method, body, headers, cache: "no-store", signal: this.#line.signal });
    const found = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(found.error ?? `the server answered ${response.status} ${response.statusText}`);
    return found;
  }

  /** Events "access", "state", "frame" and "tiles", their data JSON, and "open" and "error". */
  watch() {
    this.#line.abort(new Refused(STOPPED));
    this.#line = new AbortController();
    this.#stream = new Stream(this.#headers());
    return this.#stream;
  }

  /** Why there is no stream: in the server's own words, if it has answered. */
  async whyLost() {
    return this.#stream.refusal ?? STOPPED;
  }

  #headers() {
    return this.#token ? { "X-Token": this.#token } : {};
  }
}

/**
 * Asks for news, takes them, and asks again. So there is never more than one answer on the line, and the page is only
 * behind by the time that one answer takes. A hidden page asks for nothing.
 */
class Stream extends EventTarget {
  refusal = null; // why it has ended, where the server said so
  #name = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  #seen = 0; // the number of the newest event that has arrived
  #tilesDue = 0;
  #pace = 0; // milliseconds from an answer to the next question: the server has told this page to wait so long
  #isOpen = false;
  #isClosed = false;
  #request = new AbortController();
  #headers;

  constructor(headers) {
    super();
    this.#headers = headers;
    this.#work();
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#request.abort();
    if (this.#isOpen) navigator.sendBeacon(`/api/leave?viewer=${this.#name}`, new Blob(["{}"], { type: "application/json" }));
  }

  async #work() {
    try {
      while (!this.#isClosed) {
        await visible();
        await this.#next();
        if (this.#pace) await new Promise((resolve) => setTimeout(resolve, this.#pace));
      }
    } catch (problem) {
      if (this.#isClosed) return;
      this.#isOpen = false;
      if (problem instanceof Refused) this.refusal = problem.message;
      this.dispatchEvent(new Event("error"));
    }
  }

  async #next() {
    const wantsTiles = performance.now() >= this.#tilesDue && byId("tiles-weights")?.clientWidth;
    const text = await this.#ask(`/api/next?viewer=${this.#name}&seen=${this.#seen}${wantsTiles ? "&tiles=1" : ""}`);
    if (this.#isClosed) return;
    if (!this.#isOpen) this.dispatchEvent(new Event("open"));
    this.#isOpen = true;
    for (const line of text.split("\n")) {
      const [kind, data] = line.split("\t");
      if (kind === "access") this.#pace = 1000 * JSON.parse(data).pace;
      if (kind === "seen") this.#seen = Number(data);
      else if (kind) this.dispatchEvent(new MessageEvent(kind, { data }));
    }
  }

  async #ask(address) {
    this.#request = new AbortController();
    const timer = setTimeout(() => this.#request.abort(), PATIENCE);
    try {
      const response = await fetch(address, { headers: this.#headers, cache: "no-store", signal: this.#request.signal });
      const began = performance.now();
      const text = await response.text();
      const took = performance.now() - began;
      if (!response.ok) throw new Refused(refusalIn(text) ?? STOPPED);
      if (text.includes("\ntiles\t")) this.#tilesDue = performance.now() + took * (1 / SHARE - 1);
      return text;
    } finally {
      clearTimeout(timer);
    }
  }
}

function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

function refusalIn(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return null;
  }
}

/** Move the presenter's token from the address, where a projector would show it, into the memory of this tab. */
function takeToken() {
  const query = new URLSearchParams(location.search);
  const given = query.get(TOKEN);
  if (given) {
    query.delete(TOKEN);
    const rest = String(query);
    history.replaceState(null, "", `${location.pathname}${rest && `?${rest}`}${location.hash}`);
  }
  try {
    if (given) sessionStorage.setItem(TOKEN, given);
    return sessionStorage.getItem(TOKEN);
  } catch {
    return given; // this browser stores nothing: the token is kept until the page is reloaded
  }
}
