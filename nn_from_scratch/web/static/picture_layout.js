// Where everything in the picture of the network goes: the image, then a column for each layer. A unit's place follows
// from its number alone, so it stays where it is as long as the network is the same.

import { inBox } from "./canvas.js";

const [NARROW, TINY] = [115, 60]; // pixels: narrower columns break their captions into more lines
const USUAL = 15.6; // pixels of a rem; a page that is presented has more
const [LARGEST_MAP, LARGEST_NEURON, LEAST_NEURON] = [58, 11, 2.5];

/** `columns[l]`: the x of a layer; `places`: "layer:unit" → {x, y, half}; `image`: {x, y, size} of the image. */
export function layOut(layers, width, height, { outputsWidth, legendHeight, rem }) {
  const right = width - outputsWidth - 16;
  const deep = layers.some(({ shape }) => shape);
  const size = Math.min(height * 0.55, width * (deep ? 0.19 : 0.27));
  const left = 2 + size;
  const columnWidth = (right - left) / layers.length;
  const scale = rem / USUAL;
  const narrow = columnWidth < NARROW * scale;
  const captions = Math.round((columnWidth < TINY * scale ? 70 : narrow ? 54 : 44) * scale);
  const tall = height - captions;
  const columns = layers.map((_, l) => left + columnWidth * (l + (deep ? 0.62 : 1)));
  const places = new Map();
  layers.forEach(({ shown, shape }, l) => {
    const spacing = tall / shown.length;
    const half = shape ? Math.min(LARGEST_MAP, spacing * 0.9, columnWidth * 0.72) / 2 : Math.min(LARGEST_NEURON, Math.max(LEAST_NEURON, spacing * 0.4));
    shown.forEach((unit, i) => places.set(`${l}:${unit}`, { x: columns[l], y: (i + 0.5) * spacing, half }));
  });
  return { image: { x: 2, y: Math.max(legendHeight + 4, (tall - size) / 2), size }, columns, columnWidth, narrow, captions, tall, places };
}

/** Where an edge leaves its source: at the right edge of the image or of a map, in the row of its pixel; at the middle of a neuron. */
export function leaving(layout, layers, l, input, image) {
  if (l === 0) {
    const { x, y, size } = layout.image;
    if (layers[0].shape) return [x + size - inBox(...image, size).left, y + size / 2];
    const { pixel, left, top } = inBox(...image, size);
    return [x + size - left, y + top + (Math.floor(input / image[1]) + 0.5) * pixel];
  }
  const { shape } = layers[l - 1];
  if (!shape) return middle(layout.places.get(`${l - 1}:${input}`));
  if (layers[l].shape) return edgeOf(layout.places.get(`${l - 1}:${input}`), 0.5);
  const pixels = shape[1] * shape[2];
  const row = Math.floor((input % pixels) / shape[2]);
  const { pixel, top } = inBox(shape[1], shape[2], 1);
  return edgeOf(layout.places.get(`${l - 1}:${Math.floor(input / pixels)}`), top + (row + 0.5) * pixel);
}

/** Where it arrives: at the left edge of a map, or in the middle of a neuron. */
export function arriving(layout, layers, l, unit) {
  const place = layout.places.get(`${l}:${unit}`);
  return layers[l].shape ? [place.x - place.half, place.y] : middle(place);
}

const middle = (place) => place && [place.x, place.y];
const edgeOf = (place, share) => place && [place.x + place.half, place.y - place.half + 2 * place.half * share];

/** The height at which a curve between two places passes x: the same curve that is drawn, a cubic with level ends. */
export function heightAt([x0, y0], [x1, y1], x) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 20; i++) {
    const t = (low + high) / 2;
    const at = bezier(x0, x0 + (x1 - x0) * BEND, x1 - (x1 - x0) * BEND, x1, t);
    if (at < x) low = t;
    else high = t;
  }
  return bezier(y0, y0, y1, y1, low);
}

export const BEND = 0.45;

const bezier = (a, b, c, d, t) => (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t ** 2 * c + t ** 3 * d;
