// Numbers as they come over the wire. A layer's values are sent as int8 with one scale, images as bytes, both in base64:
// a fifth of the size of decimal text, and exact enough for a picture.

import { short } from "./numbers.js";

/** base64 → Uint8Array */
export function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Uint8Array → base64, in pieces because a function takes only so many arguments. */
export function base64(array) {
  let binary = "";
  for (let start = 0; start < array.length; start += 0x8000) {
    binary += String.fromCharCode(...array.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}

/** {scale, data} → Float32Array: value ≈ int8 · scale, where scale = max|value| / 127. */
export function unpack({ scale, data }) {
  return Float32Array.from(new Int8Array(bytes(data).buffer), (level) => level * scale);
}

/** One of a packed layer's values as text. It came as a byte, so a 0 only means less than half a step. */
export function inWords({ scale }, value) {
  return value === 0 && scale ? `within ±${short(scale / 2, 2)}` : short(value);
}

/** The activation that is drawn at full strength: 1 if a layer's activations can't be larger, else its largest. */
export function fullActivation(layer, values) {
  return ["sigmoid", "softmax"].includes(layer.type) ? 1 : largest(values) || 1;
}

export function largest(values) {
  let found = 0;
  for (const value of values) found = Math.max(found, Math.abs(value));
  return found;
}
