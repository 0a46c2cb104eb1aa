// The start of the page: makes the views, tells each which news concern it, and draws what has changed, once a frame of
// the screen. To understand the page, read state.js and connection.js next; then any view on its own.

import { Confusion } from "./confusion.js";
import { connect } from "./connection.js";
import { Controls } from "./controls.js";
import { curves } from "./curves.js";
import { byId } from "./dom.js";
import { DrawPad } from "./draw.js";
import { explain } from "./explain.js";
import { Inspector } from "./inspector.js";
import { LayersTable } from "./layers_table.js";
import { NetworkPicture } from "./network_picture.js";
import { Overview } from "./overview.js";
import { State } from "./state.js";
import { Strips } from "./strips.js";
import { startTheme } from "./theme.js";
import { Tiles } from "./tiles.js";

const CALM = 500; // milliseconds between two pictures where the visitor asked for reduced motion

const state = new State();
const pictures = ["forward", "backward"].map((id) => new NetworkPicture(byId(id), state));
const [loss, accuracy] = curves(state);
const pad = new DrawPad(state);
const inspector = new Inspector(state);

// each view, and the parts of the state that it shows
const views = new Map([
  [new Controls(state), ["settings"]],
  [{ draw: arrangePictures }, ["settings", "frame"]], // before the pictures, which draw only what is visible
  ...pictures.map((view) => [view, ["settings", "frame", "selected"]]),
  [new Overview(state), ["settings", "frame"]],
  [loss, ["frame", "history"]],
  [accuracy, ["frame", "history"]],
  [new Strips(state), ["settings", "frame", "selected"]],
  [new Tiles(state), ["settings", "tiles", "selected"]],
  [new LayersTable(state), ["settings", "frame"]],
  [new Confusion(state), ["settings", "confusion"]],
  [inspector, ["frame"]],
  [pad, []],
]);

const stale = new Set();
let scheduled = false;
let drawn = -Infinity;

function schedule(...changed) {
  for (const view of changed) stale.add(view);
  if (scheduled) return;
  scheduled = true;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches && state.settings?.state === "training";
  if (calm) setTimeout(drawStale, Math.max(0, CALM - (performance.now() - drawn)));
  else requestAnimationFrame(drawStale);
}

function drawStale() {
  scheduled = false;
  drawn = performance.now();
  for (const view of views.keys()) if (stale.delete(view)) view.draw();
}

const scheduleAll = () => schedule(...views.keys());

for (const [view, parts] of views) state.on(parts, () => schedule(view));
state.on(["selected"], () => inspector.open());
state.on(["frame"], () => pad.frameCame());

/** After a single step both ways are shown, side by side; otherwise the way back is the visitor's choice. */
function arrangePictures() {
  if (state.settings?.state === "training") state.stepping = null;
  const both = byId("phases").checked || (state.stepping !== null && state.stepping === state.settings?.run);
  byId("backward").hidden = !both;
  byId("pictures").classList.toggle("both", both);
}

byId("phases").addEventListener("change", scheduleAll);
byId("pictures").parentElement.addEventListener("change", ({ target }) => {
  if (target.name !== "edges") return;
  for (const picture of pictures) picture.edges = target.value;
  schedule(...pictures);
});

startTheme(scheduleAll);
explain.start();
new ResizeObserver(scheduleAll).observe(byId("views"));
connect(state);
