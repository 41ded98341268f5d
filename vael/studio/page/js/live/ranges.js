// In which range a curve can be read: the first epochs of a training often lie far off all others.

const EARLY = 0.1; // of the training: what lies far off there need not be in sight
const FAR = 1.6; // times the later part's height

/** @typedef {{ x: number[], y: number[] }} Line */

/**
 * The range in which the later part of a training can be read.
 * @param {Line[]} lines @returns {{ range: [number, number] | null, isCut: boolean }} null where there is nothing; whether the early part lies outside
 */
export function readableRange(lines) {
  const points = lines.flatMap(({ x, y }) => x.map((at, place) => [at, y[place]]));
  if (points.length === 0) return { range: null, isCut: false };
  const [first, last] = extent(points.map(([x]) => x)), whole = extent(points.map(([, y]) => y));
  const late = points.filter(([x]) => x > first + EARLY * (last - first)).map(([, y]) => y);
  if (late.length < 3) return { range: padded(whole), isCut: false };
  const later = extent(late), isCut = whole[1] - whole[0] > FAR * Math.max(later[1] - later[0], 1e-9);
  return { range: padded(isCut ? later : whole), isCut };
}

/** @param {number[]} values @returns {[number, number]} */
const extent = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

/** @param {[number, number]} range @returns {[number, number]} */
function padded([low, high]) {
  const pad = 0.06 * (high - low) || Math.abs(high) * 0.01 || 0.5;
  return [low - pad, high + pad];
}
