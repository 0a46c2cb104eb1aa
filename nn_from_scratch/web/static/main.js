// The start of the page: makes the views, tells each the news that concern it, and draws the changed ones, once for each
// frame of the screen. To understand the page, read state.js and connection.js next, then any view on its own.

import { Access } from "./access.js";
import { Address } from "./address.js";
import { Commands } from "./commands.js";
import { Compare } from "./compare.js";
import { Confusion } from "./confusion.js";
import { stayConnected } from "./connection.js";
import { Controls } from "./controls.js";
import { curves } from "./curves.js";
import { byId } from "./dom.js";
import { DrawPad } from "./draw.js";
import { Drawings } from "./drawings.js";
import { Editor } from "./editor.js";
import { Experiments } from "./experiments.js";
import { explain } from "./explain.js";
import { Inspector } from "./inspector.js";
import { LayersTable } from "./layers_table.js";
import { Lesson } from "./lesson.js";
import { NetworkPicture } from "./network_picture.js";
import { Overview } from "./overview.js";
import { startPresenting } from "./present.js";
import { Stage } from "./stage.js";
import { State } from "./state.js";
import { Strips } from "./strips.js";
import { startTheme } from "./theme.js";
import { Tiles } from "./tiles.js";
import { Tour } from "./tour.js";

const CALM = 500; // milliseconds between two pictures if the visitor asked for reduced motion

const state = new State();
const commands = new Commands(state);
const pictures = ["forward", "backward"].map((id) => new NetworkPicture(byId(id), state, (view) => schedule(view)));
const [loss, accuracy] = curves(state);
const pad = new DrawPad(state);
const inspector = new Inspector(state, commands);
const stage = new Stage(state, commands, () => pad.asCommand());
const compare = new Compare(state);

// each view, and the parts of the state that it shows
const views = new Map([
  [new Access(state), ["access", "settings"]],
  [new Controls(state, commands), ["settings"]],
  [new Editor(state, commands), ["settings"]],
  [stage, ["frame"]],
  [new Lesson(state), ["frame", "beat"]],
  [{ draw: arrangePictures }, ["settings", "frame", "level"]], // before the pictures, which draw only what is visible
  ...pictures.map((view) => [view, ["settings", "frame", "selected", "beat", "field", "level"]]),
  [new Overview(state), ["settings", "frame", "notice"]],
  [loss, ["frame", "history", "kept", "settings", "level"]],
  [accuracy, ["frame", "history", "kept", "settings", "level"]],
  [compare, ["frame", "history", "kept", "settings", "level"]],
  [new Strips(state), ["settings", "frame", "selected", "level"]],
  [new Tiles(state), ["settings", "tiles", "selected", "level"]],
  [new LayersTable(state), ["settings", "frame", "level"]],
  [new Confusion(state, stage), ["settings", "confusion"]],
  [inspector, ["frame"]],
  [new Drawings(state, commands, () => pad.seen), ["settings"]],
  [new Address(state, commands), ["settings", "frame"]],
  [pad, ["settings"]],
]);
new Experiments(state, commands, compare);
new Tour(state);

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

/** In a lesson there is one picture, which shows the forward pass and then the backward pass. */
function arrangePictures() {
  const both = byId("phases").checked && !state.frame?.before && document.body.dataset.level !== "watch";
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
startPresenting(scheduleAll);
explain.start();
new ResizeObserver(scheduleAll).observe(document.body);
stayConnected(state);
