// How numbers are written, once for the whole page: the same digits everywhere, and a true minus sign, as wide as a plus.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const minus = (text) => text.replace("-", "−").replace("e-", "e−").replace("e+", "e");

/** 12345 → "12,345" */
export const count = (n) => whole.format(n);

/** 0.98234 → "98.2 %" */
export const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);

/** A fixed number of decimals. */
export const fixed = (x, decimals = 3) => (Number.isFinite(x) ? minus(x.toFixed(decimals)) : "–");

/** Three significant digits, as an exponent where it would be mostly zeros. */
export function short(x, digits = 3) {
  if (!Number.isFinite(x)) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size < 1e-3 || size >= 1e5) return minus(x.toExponential(digits - 1));
  return minus(x.toPrecision(digits));
}

/** Short, without trailing zeros: for axes and sliders. */
export const plain = (x) => minus(size(x) ? Number(x.toPrecision(3)).toExponential() : String(Number(x.toPrecision(3))));

const size = (x) => x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e5);
