// Where a decoded example is seen: an image as pixels, a table's row as columns with bars.

import { fill, h } from "../dom.js";
import { paint, save, saveCanvas } from "../pictures.js";

/** A number of a table, for reading. @param {number} value */
export const short = (value) => (Number.isFinite(value) ? Number(value.toPrecision(4)).toLocaleString("en-US").replace("-", "−") : "–");

/**
 * @param {{ shape: number[], is_image: boolean, columns: string[] }} observation
 * @param {{ label: string, ranges?: [number, number][] }} options `ranges`: each column's span, for the bars
 * @returns {{ element: HTMLElement, show: (picture: ArrayLike<number>) => void, save: (name: string) => void }}
 */
export function makeScreen(observation, { label, ranges = [] }) {
  return observation.is_image ? imageScreen(observation.shape, label) : rowScreen(observation.columns, label, ranges);
}

function imageScreen([, height, width], label) {
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "pixels screen", role: "img", "aria-label": label, width, height,
    style: { aspectRatio: `${width} / ${height}` } }));
  return {
    element: canvas,
    show: (picture) => paint(canvas, /** @type {Uint8Array} */ (picture), height, width),
    save: (name) => saveCanvas(canvas, `${name}.png`),
  };
}

function rowScreen(columns, label, ranges) {
  const values = columns.map(() => h("td", { class: "number" }, "–"));
  const bars = columns.map(() => h("i"));
  const rows = columns.map((name, i) => h("tr", null, h("th", { scope: "row", title: name }, name), values[i], h("td", { class: "bar" }, bars[i])));
  /** @type {ArrayLike<number>} */
  let last = [];
  return {
    element: h("div", { class: "screen rows scroll-x" }, h("table", { "aria-label": label }, h("tbody", null, rows))),
    show(picture) {
      last = picture;
      for (let i = 0; i < columns.length; i += 1) {
        fill(values[i], short(picture[i]));
        const [low, high] = ranges[i] ?? [0, 1];
        bars[i].style.left = `${100 * Math.min(Math.max((picture[i] - low) / (high - low || 1), 0), 1)}%`;
      }
    },
    save(name) {
      const csv = `${columns.map((column) => `"${column.replaceAll('"', '""')}"`).join(",")}\n${Array.from(last).join(",")}\n`;
      save(new Blob([csv], { type: "text/csv" }), `${name}.csv`);
    },
  };
}
