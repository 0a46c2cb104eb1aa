// The colours of everything that is drawn. Blue is positive and orange negative, which people with any colour vision can
// tell apart. Amounts are ink on paper, in the images and in the neurons that they activate; an activation below 0 is
// orange. The values are in style.css, so that both themes live in one place.

const NAMES = ["paper", "ink", "muted", "line", "positive", "negative", "zero", "image-paper", "image-ink"];
const LEVELS = 256;

/** name → "rgb(…)" in the present theme */
export const colours = {};

const fromZero = (share) => clamp(share * (LEVELS - 1));
const fromMinusOne = (share) => clamp(((share + 1) / 2) * (LEVELS - 1));

/** Each a table of colours, and the index in it of a value from 0 or −1 to 1. */
export const ramps = {
  ink: { colours: new Uint8Array(3 * LEVELS), index: fromZero },
  activation: { colours: new Uint8Array(3 * LEVELS), index: fromMinusOne },
  signed: { colours: new Uint8Array(3 * LEVELS), index: fromMinusOne },
};

const clamp = (level) => Math.max(0, Math.min(LEVELS - 1, Math.round(level)));

/** To be called at the start and whenever the theme changes. */
export function readColours() {
  const probe = document.createElement("span"); // only a real colour property has its var() and light-dark() resolved
  document.body.append(probe);
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  blend(ramps.ink.colours, ["image-paper", "image-ink"]);
  blend(ramps.activation.colours, ["negative", "image-paper", "image-ink"]);
  blend(ramps.signed.colours, ["negative", "zero", "positive"]);
}

function blend(table, names) {
  const stops = names.map((name) => colours[name].match(/[\d.]+/g).slice(0, 3).map(Number));
  for (let level = 0; level < LEVELS; level++) {
    const place = (level / (LEVELS - 1)) * (stops.length - 1);
    const before = Math.min(Math.floor(place), stops.length - 2);
    for (let part = 0; part < 3; part++) {
      const [from, to] = [stops[before][part], stops[before + 1][part]];
      table[3 * level + part] = Math.round(from + (to - from) * (place - before));
    }
  }
}
