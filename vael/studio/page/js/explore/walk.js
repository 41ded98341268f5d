// A walk between two places: every step decoded at once, then played back and forth.

import { call, ofRun, unpack } from "../api.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { paint, save } from "../pictures.js";
import { tell } from "../toast.js";

const STEPS = 48;
const FRAME = 1000 / 24;

/**
 * @param {{ run: string, observation: any, method: () => string, here: () => ArrayLike<number>, signal: AbortSignal,
 *   onFrame: (frame: { z: number[], point: number[] | null, picture: any }) => void,
 *   onEnds: (ends: { start: number[] | null, end: number[] | null, path: number[][] }) => void }} options
 *   `onFrame` shows a step, `onEnds` marks the ends and the way on the map
 */
export function makeWalk({ run, observation, method, here, signal, onFrame, onEnds }) {
  /** @type {{ start: number[] | null, end: number[] | null }} */
  const ends = { start: null, end: null };
  let walk = null, place = 0, timer = 0, direction = 1;
  const scrub = /** @type {HTMLInputElement} */ (h("input", { type: "range", min: 0, max: STEPS - 1, step: 1, value: 0, disabled: true,
    "aria-label": "Step of the walk", oninput: () => { stop(); go(Number(scrub.value)); } }));
  const play = /** @type {HTMLButtonElement} */ (h("button", { class: "primary", disabled: true, onclick: () => (timer ? stop() : start()) }));
  const keep = /** @type {HTMLButtonElement} */ (h("button", { disabled: true, onclick: () => saveStrip() }, icon(ICONS.save), "Save strip"));
  const path = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "The way between them", onchange: () => ask() },
    h("option", { value: "straight" }, "straight"), h("option", { value: "spherical" }, "spherical")));
  const words = h("p", { class: "small muted" });
  const set = (which, z) => { ends[which] = Array.from(z ?? here()); ask(); };
  const element = h("div", { class: "stack walk" },
    h("div", { class: "row" }, h("button", { onclick: () => set("start") }, "A is here"), h("button", { onclick: () => set("end") }, "B is here"), path),
    h("div", { class: "row" }, play, h("div", { class: "grow" }, scrub), keep), words);
  draw();

  function draw() {
    fill(play, icon(timer ? ICONS.pause : ICONS.play), timer ? "Pause" : "Play");
    play.disabled = keep.disabled = scrub.disabled = walk === null;
    const missing = ends.start === null ? "Point at a place and take it as A, then another as B; or hold Shift and click twice on the map."
      : ends.end === null ? "A is set. Point at another place and take it as B." : `${STEPS} steps from A to B, ${path.value}.`;
    fill(words, missing);
  }

  async function ask() {
    stop();
    walk = null;
    draw();
    onEnds({ start: ends.start, end: ends.end, path: [] });
    if (!ends.start || !ends.end) return;
    try {
      const found = await call(ofRun(run, `/interpolation?method=${method()}`), { method: "POST", signal,
        body: { start: ends.start, end: ends.end, num_steps: STEPS, path: path.value } });
      const pictures = unpack(found.pictures), size = pictures.data.length / STEPS;
      walk = found.z.map((z, i) => ({ z, point: found.points?.[i] ?? null, picture: pictures.data.subarray(i * size, (i + 1) * size) }));
      onEnds({ start: ends.start, end: ends.end, path: found.points ?? [] });
      draw();
      start();
    } catch (error) { tell(error); }
  }

  function go(step) { place = step; scrub.value = String(step); if (walk) onFrame(walk[step]); }

  function start() {
    stop();
    timer = window.setInterval(() => {
      if (place + direction < 0 || place + direction >= STEPS) direction = -direction;
      go(place + direction);
    }, FRAME);
    draw();
  }

  function stop() { clearInterval(timer); timer = 0; draw(); }

  /** Every fourth step side by side; of a table, all steps as rows. */
  function saveStrip() {
    if (!walk) return;
    if (!observation.is_image) {
      const lines = [observation.columns.join(","), ...walk.map(({ picture }) => Array.from(picture).join(","))];
      save(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }), `${run}-walk.csv`);
      return;
    }
    const [, height, width] = observation.shape, shown = walk.filter((_, i) => i % 4 === 0 || i === STEPS - 1);
    const strip = document.createElement("canvas"), tile = document.createElement("canvas");
    strip.width = width * shown.length;
    strip.height = height;
    shown.forEach(({ picture }, i) => { paint(tile, picture, height, width); strip.getContext("2d")?.drawImage(tile, i * width, 0); });
    strip.toBlob((blob) => blob && save(blob, `${run}-walk.png`));
  }

  signal.addEventListener("abort", () => clearInterval(timer));
  return {
    element, stop, set,
    /** The next end that is not set; B again when both are. @param {ArrayLike<number>} z */
    setNext(z) { set(ends.start === null || (ends.start && ends.end) ? "start" : "end", z); if (ends.start && ends.end && walk === null) draw(); },
    /** Where the ends are on another map. */
    again: () => ask(),
  };
}
