// A curve the size of a word.

import { number } from "./format.js";

const WIDTH = 96, HEIGHT = 24, EDGE = 3;
const SPACE = "http://www.w3.org/2000/svg";

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** A line through the values with a dot at the last one. @param {number[]} values finite @param {string} what they are */
export function sparkline(values, what) {
  const low = Math.min(...values), span = Math.max(...values) - low || 1;
  const isFlat = values.every((value) => value === low);
  const points = values.map((value, place) => [
    EDGE + (values.length > 1 ? place / (values.length - 1) : 1) * (WIDTH - 2 * EDGE),
    isFlat ? HEIGHT / 2 : EDGE + (1 - (value - low) / span) * (HEIGHT - 2 * EDGE),
  ]);
  const label = values.length ? `${what} from ${number(values[0])} to ${number(values[values.length - 1])}` : `${what}: none yet`;
  const drawing = svg("svg", { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": label });
  if (points.length) {
    const [x, y] = points[points.length - 1];
    const path = points.map((point) => point.map((each) => each.toFixed(1)).join(",")).join(" ");
    drawing.append(svg("polyline", { points: path }), svg("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 2.2 }));
  }
  return drawing;
}
