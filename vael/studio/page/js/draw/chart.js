// A small map of the latent space with a ring that moves.

import { call, ofRun, unpack } from "../api.js";
import { fill, h } from "../dom.js";
import { colour, pageColour } from "../theme.js";

const INSIDE = 0.06; // of a side: the margin around the points
const MOST_CLASSES = 12; // that a legend names

/**
 * @param {string} run
 * @param {AbortSignal} signal
 * @returns {{ element: HTMLElement, place: (point: [number, number] | null | undefined) => void }}
 */
export function smallMap(run, signal) {
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { role: "img", "aria-label": "Map of the latent space" }));
  const ring = h("div", { class: "ring", hidden: true });
  const field = h("div", { class: "field" }, canvas, ring, h("div", { class: "spinner", role: "progressbar", "aria-label": "Loading the map" }));
  const legend = h("p", { class: "legend small muted" }), axes = h("span", { class: "small muted" });
  const element = h("section", { class: "card place" }, h("header", null, h("h2", { class: "grow" }, "On the map"), axes), field, legend);
  let data = null, here = null;

  const draw = () => {
    if (!data || !canvas.clientWidth) return;
    const side = canvas.clientWidth, dense = Math.min(2, devicePixelRatio || 1);
    canvas.width = canvas.height = Math.round(side * dense);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const radius = Math.max(0.8, Math.min(2.4, 90 / Math.sqrt(data.count))) * dense;
    const groups = data.labels ? data.classes.length : 1;
    context.globalAlpha = data.count > 2000 ? 0.6 : 0.8;
    for (let group = 0; group < groups; group += 1) {
      context.fillStyle = data.labels ? colour(group) : pageColour("muted");
      context.beginPath();
      for (let i = 0; i < data.count; i += 1) {
        if (data.labels && data.labels[i] !== group) continue;
        const [x, y] = across(data.points[2 * i], data.points[2 * i + 1]);
        context.moveTo(x * canvas.width + radius, y * canvas.width);
        context.arc(x * canvas.width, y * canvas.width, radius, 0, 2 * Math.PI);
      }
      context.fill();
    }
  };
  /** From the map's units to shares of the field. @param {number} x @param {number} y */
  const across = (x, y) => [0.5 + (x - data.middle[0]) / data.span, 0.5 - (y - data.middle[1]) / data.span];
  const place = (point) => {
    here = point ?? null;
    ring.hidden = !data || !here;
    if (ring.hidden) return;
    const at = across(here[0], here[1]), kept = at.map((share) => Math.min(0.98, Math.max(0.02, share)));
    ring.classList.toggle("outside", kept.some((share, axis) => share !== at[axis]));
    ring.title = ring.classList.contains("outside") ? "Outside the map" : "";
    ring.style.transform = `translate(${(kept[0] * field.clientWidth).toFixed(1)}px, ${(kept[1] * field.clientHeight).toFixed(1)}px)`;
  };
  const redraw = () => { draw(); place(here); };

  call(ofRun(run, "/map"), { signal }).then((map) => {
    const points = unpack(map.points).data, labels = unpack(map.labels)?.data ?? null;
    data = { ...extent(points), points, labels, count: map.count, classes: map.classes };
    field.querySelector(".spinner")?.remove();
    const names = labels && map.classes.length <= MOST_CLASSES ? map.classes.map((name, i) => h("span", null, h("i", { style: { background: colour(i) } }), name)) : [];
    fill(legend, names.length ? names : `${map.count.toLocaleString("en-US")} ${map.split} examples`);
    fill(axes, map.axes.join(" × "));
    redraw();
    new ResizeObserver(redraw).observe(field);
    window.addEventListener("theme", () => {
      legend.querySelectorAll("i").forEach((mark, i) => { /** @type {HTMLElement} */ (mark).style.background = colour(i); });
      redraw();
    }, { signal });
  }).catch((error) => { if (!signal.aborted) fill(field, h("p", { class: "error-text" }, error.message)); });
  return { element, place };
}

/** The middle of the points, and the side of a square that holds all but the farthest. @param {Float32Array} points */
function extent(points) {
  const axes = [0, 1].map((axis) => {
    const values = points.filter((_, i) => i % 2 === axis).sort();
    const low = values[Math.floor(0.002 * (values.length - 1))], high = values[Math.ceil(0.998 * (values.length - 1))];
    return { middle: (low + high) / 2, length: high - low };
  });
  const length = Math.max(axes[0].length, axes[1].length) || 1;
  return { middle: axes.map((axis) => axis.middle), span: length / (1 - 2 * INSIDE) };
}
