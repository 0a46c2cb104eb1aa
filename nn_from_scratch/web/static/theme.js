// Light or dark: as the system prefers, until the visitor chooses; the choice is remembered.

import { readColours } from "./colours.js";
import { byId } from "./dom.js";

const KEY = "nn_from_scratch theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function startTheme(redraw) {
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    readColours();
    redraw();
  };
  dark.addEventListener("change", () => apply());
  byId("theme").addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    remember(next);
    apply(next);
  });
  apply(remembered());
}

// Storage may be forbidden by the browser's settings; the switch works all the same.
function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    /* not remembered */
  }
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
