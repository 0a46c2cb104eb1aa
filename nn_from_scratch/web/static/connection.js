// The stream of frames from the server. When it breaks off, the page says so and keeps trying; what is seen stays.

import { byId, write } from "./dom.js";
import { History } from "./history.js";

const RETRY = 1000; // milliseconds
const STOPPED =
  "The server has stopped, or can't be reached. You see what it last sent. " +
  "Start it again with python -m nn_from_scratch.web, and this page goes on by itself.";

export function connect(state) {
  state.history = new History(); // a server that was started again may count its runs from the same number
  const events = new EventSource("/api/events");
  const listen = (kind, take) => events.addEventListener(kind, (event) => take(JSON.parse(event.data)));

  // A new state is shown with the frame that follows it, or a new network would be drawn with the numbers of the old one.
  let settings = null;
  listen("state", (news) => (settings = news));
  listen("tiles", (tiles) => state.set("tiles", tiles));
  listen("frame", (frame) => {
    if (settings) state.set("settings", settings);
    settings = null;
    takeFrame(state, frame);
  });

  events.addEventListener("open", () => setConnection("open"));
  events.addEventListener("error", async () => {
    events.close();
    const reason = await refusal();
    setConnection("lost", reason ?? STOPPED);
    setTimeout(() => connect(state), RETRY);
  });
  // A page that goes into the browser's back-forward cache would keep its place among the four watchers.
  addEventListener("pagehide", () => events.close(), { once: true });
}

function takeFrame(state, frame) {
  const { confusion, run } = state.frame ?? {};
  if (frame.confusion.step !== confusion?.step || frame.run !== run) state.set("confusion", frame.confusion);
  state.history.take(frame, () => state.tell("history"));
  state.set("frame", frame);
}

/** Why a server that is there does not let us watch, in its own words; null if it isn't there. */
async function refusal() {
  const stop = new AbortController();
  try {
    const response = await fetch("/api/events", { signal: stop.signal });
    return response.ok ? null : ((await response.json()).error ?? null);
  } catch {
    return null;
  } finally {
    stop.abort();
  }
}

function setConnection(connection, text = "") {
  document.body.dataset.connection = connection;
  write(byId("disconnected-text"), text);
  byId("disconnected").hidden = connection === "open";
  if (connection === "lost") write(byId("state-text"), "not connected");
}
