// For a projector: large text, the network and one curve, and a verdict that the last row can read. The key P does it.

import { byId } from "./dom.js";

export function startPresenting(redraw) {
  const set = (on) => {
    document.body.classList.toggle("presenting", on);
    byId("present").setAttribute("aria-pressed", String(on));
    redraw();
  };
  const toggle = () => set(!document.body.classList.contains("presenting"));
  byId("present").addEventListener("click", toggle);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=range], [type=radio], [type=checkbox]), select, textarea, dialog");
    if (event.key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing) toggle();
  });
  if (new URLSearchParams(location.search).get("present")) set(true);
}
