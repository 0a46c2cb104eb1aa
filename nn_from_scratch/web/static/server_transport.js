// The way to a trainer in a server: fetch for questions and commands, Server-Sent Events for what it shows.

import { Refused } from "./refused.js";

const STOPPED =
  "The server has stopped, or can't be reached. You see what it last sent. " +
  "Start it again with python -m nn_from_scratch.web, and this page goes on by itself.";

export class ServerTransport {
  comesBack = true; // a server can be started again

  /** The answer to a question or a command; `body` is JSON, as a text or as a file. */
  async ask(method, path, body) {
    const headers = method === "POST" ? { "Content-Type": "application/json" } : {};
    const response = await fetch(path, { method, body, headers, cache: "no-store" });
    const found = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(found.error ?? `the server answered ${response.status} ${response.statusText}`);
    return found;
  }

  /** Events "state", "frame" and "tiles", their data JSON, and "open" and "error". */
  watch() {
    return new EventSource("/api/events");
  }

  /** Why there is no stream: a server that is there says it in its own words. */
  async whyLost() {
    const stop = new AbortController();
    try {
      const response = await fetch("/api/events", { signal: stop.signal });
      return (response.ok ? null : (await response.json()).error) ?? STOPPED;
    } catch {
      return STOPPED;
    } finally {
      stop.abort();
    }
  }
}
