// The stream of frames from the trainer. If it breaks off, the page says so, shows the last frame, and keeps trying.

import { byId, write } from "./dom.js";
import { History } from "./history.js";
import { transport } from "./transport.js";

const RETRY = 1000; // milliseconds

let events = null; // the stream that the page listens to

/** For the whole life of the page, which may go into the browser's back-forward cache and come back. */
export function stayConnected(state) {
  connect(state);
  if (!transport.comesBack) return;
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", ({ persisted }) => persisted && connect(state));
}

function connect(state) {
  events?.close();
  state.history = new History(); // a restarted server may use the same numbers for its runs
  const stream = transport.watch();
  events = stream;
  const listen = (kind, take) => stream.addEventListener(kind, (event) => take(JSON.parse(event.data)));

  // A new state is shown with the frame that follows it. Otherwise a new network would be drawn with the old numbers.
  let settings = null;
  listen("state", (news) => (settings = news));
  listen("access", (access) => state.set("access", access));
  listen("tiles", (tiles) => state.set("tiles", tiles));
  listen("frame", (frame) => {
    if (settings) state.set("settings", settings);
    settings = null;
    takeFrame(state, frame);
  });

  stream.addEventListener("open", () => setConnection("open"));
  stream.addEventListener("error", async () => {
    stream.close();
    setConnection("lost", await transport.whyLost());
    if (transport.comesBack) setTimeout(() => events === stream && connect(state), RETRY);
  });
}

function takeFrame(state, frame) {
  const { confusion, run } = state.frame ?? {};
  if (frame.confusion.step !== confusion?.step || frame.run !== run) state.set("confusion", frame.confusion);
  state.history.take(frame, () => state.tell("history"));
  state.set("frame", frame);
}

function setConnection(connection, text = "") {
  document.body.dataset.connection = connection;
  write(byId("disconnected-text"), text);
  byId("disconnected").hidden = connection === "open";
  if (connection === "lost") write(byId("state-text"), "not connected");
}
