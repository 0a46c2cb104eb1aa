// Drawing at the true resolution of the screen: a canvas has as many pixels as its box covers on the device.

import { ramps } from "./colours.js";

/** Match a canvas to its box and clear it. → [context in CSS pixels, width, height] */
export function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width, height];
}

const scratch = document.createElement("canvas");

/** Where a picture of rows × columns stands in a square box: the size of its pixels, and how far it is from the corner. */
export function inBox(rows, columns, size) {
  const pixel = size / Math.max(rows, columns);
  return { pixel, left: (size - columns * pixel) / 2, top: (size - rows * pixel) / 2 };
}

/** Draw a picture in a square box. `ramp`: "ink" for values from 0 to `most`, others for −`most` to `most`. */
export function picture(context, values, x, y, size, ramp, most, columns = Math.round(Math.sqrt(values.length))) {
  const rows = values.length / columns;
  Object.assign(scratch, { width: columns, height: rows });
  const pixels = new ImageData(columns, rows);
  const { colours, index } = ramps[ramp];
  for (let i = 0; i < values.length; i++) {
    const from = 3 * index(most > 0 ? values[i] / most : 0);
    pixels.data.set([colours[from], colours[from + 1], colours[from + 2], 255], 4 * i);
  }
  scratch.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  const { pixel, left, top } = inBox(rows, columns, size);
  context.drawImage(scratch, x + left, y + top, columns * pixel, rows * pixel);
}

/** One value as a colour that a canvas understands. */
export function tint(ramp, share) {
  const { colours, index } = ramps[ramp];
  const from = 3 * index(share);
  return `rgb(${colours[from]} ${colours[from + 1]} ${colours[from + 2]})`;
}
