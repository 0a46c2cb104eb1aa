// The stream of frames from the trainer. When it breaks off, the page says so and keeps trying; what is seen stays.

import { byId, write } from "./dom.js";
import { History } from "./history.js";
import { transport } from "./transport.js";

const RETRY = 1000; // milliseconds

export function connect(state) {
  state.history = new History(); // a server that was started again may count its runs from the same number
  const events = transport.watch();
  const listen = (kind, take) => events.addEventListener(kind, (event) => take(JSON.parse(event.data)));

  // A new state is shown with the frame that follows it, or a new network would be drawn with the numbers of the old one.
  let settings = null;
  listen("state", (news) => (settings = news));
  listen("access", (access) => state.set("access", access));
  listen("tiles", (tiles) => state.set("tiles", tiles));
  listen("frame", (frame) => {
    if (settings) state.set("settings", settings);
    settings = null;
    takeFrame(state, frame);
  });

  events.addEventListener("open", () => setConnection("open"));
  events.addEventListener("error", async () => {
    events.close();
    setConnection("lost", await transport.whyLost());
    if (transport.comesBack) setTimeout(() => connect(state), RETRY);
  });
  // A page that goes into the browser's back-forward cache gives up its place, and asks for one when it comes back.
  addEventListener("pagehide", () => events.close(), { once: true });
  addEventListener("pageshow", ({ persisted }) => persisted && connect(state), { once: true });
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
