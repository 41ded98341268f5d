// Pictures and rows of numbers as the server packs them.

import { unpack } from "../api.js";
import { h } from "../dom.js";
import { paint } from "../pictures.js";

/**
 * Each picture of an array (…, H, W, 3) on a canvas of its own.
 * @param {any} packed @param {(index: number) => string} name what a screen reader says of it
 * @returns {HTMLCanvasElement[]}
 */
export function canvases(packed, name) {
  const { data, shape } = unpack(packed), [height, width] = shape.slice(-3, -1), size = height * width * 3;
  return Array.from({ length: data.length / size }, (_, i) => {
    const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "pixels", width, height, role: "img", "aria-label": name(i) }));
    paint(canvas, data.subarray(i * size, (i + 1) * size), height, width);
    return canvas;
  });
}

/** The rows of an array (…, F). @param {any} packed @returns {number[][]} */
export function rowsOf(packed) {
  const { data, shape } = unpack(packed), width = shape[shape.length - 1];
  return Array.from({ length: data.length / width }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width)));
}
