// Curves of the training and of the held-out examples, growing as records arrive.

import { charts, CONFIG, layout } from "../charts.js";
import { h } from "../dom.js";
import { number } from "../format.js";
import { pageColour } from "../theme.js";
import { readableRange } from "./ranges.js";
import { epochAt, line } from "./state.js";

const REST = 8, LONGEST = 500; // how many times as long as drawing took nothing is drawn, and at most how many milliseconds
const TOGETHER = 350; // milliseconds: an epoch's held-out record comes that soon after its training record, and both are drawn at once
const RESET = 50; // milliseconds after a double click until plotly has set the ranges back
const ALWAYS = [["elbo_nats", "ELBO", "nats"], ["rate_nats", "Rate", "nats"], ["distortion_nats", "Distortion", "nats"]];
const SCHEDULED = [["beta", "β", "objective.beta.name"], ["learning_rate", "Learning rate", "training.learning_rate.name"]];

/**
 * @param {{ run: string, detail: any, state: import("./state.js").State, signal: AbortSignal, query: URLSearchParams,
 *   setQuery: (changes: Record<string, string | null>) => void, moment: { step: number | null } }} live
 */
export function curves({ detail, state, signal, query, setQuery, moment }) {
  const grid = h("div", { class: "live-curves" }), waiting = h("div", { class: "live-waiting" });
  const full = /** @type {HTMLButtonElement} */ (h("button", { class: "small", "aria-pressed": String(query.get("range") === "full") }, "Full range"));
  const legend = h("span", { class: "live-legend small muted" });
  const element = h("section", { class: "card live-curves-card" },
    h("header", null, h("h2", null, "Curves"), legend, h("span", { class: "grow" }), full), h("div", { class: "live-over" }, grid, waiting));
  const always = detail.has_rate ? ALWAYS : ALWAYS.slice(2);
  /** @type {Map<string, { note: HTMLElement, place: HTMLElement, isZoomed: boolean | null, range: [number, number] | null }>} */
  const places = new Map(); // `isZoomed` is null until the first drawing
  let pending = 0, plotly = /** @type {any} */ (null), broken = "", rested = 0;

  const isFull = () => full.getAttribute("aria-pressed") === "true";
  full.addEventListener("click", () => {
    full.setAttribute("aria-pressed", String(!isFull()));
    setQuery({ range: isFull() ? "full" : null });
    for (const chart of places.values()) chart.isZoomed &&= false;
    draw();
  });

  function box(key, title, unit) {
    const place = h("div", { class: "live-chart", role: "img" }), note = h("small", { class: "muted" });
    const element = h("figure", { class: unit ? null : "schedule" }, h("figcaption", null, h("h3", null, title), unit && h("small", { class: "muted" }, ` ${unit}`), note), place);
    grid.append(element);
    places.set(key, { note, place, isZoomed: null, range: null });
  }
  for (const [key, title, unit] of always) box(key, title, unit);
  for (const [key, title, path] of SCHEDULED) if (path in detail.settings) box(key, title, "");

  function draw() {
    clearTimeout(pending);
    pending = 0;
    if (signal.aborted || !plotly) return;
    const began = performance.now();
    const heldOut = state.records.findLast((record) => record.split !== "train")?.split;
    let isAnyCut = false;
    for (const [key, chart] of places) {
      const { note, place } = chart;
      const train = line(state, (split) => split === "train", key), held = line(state, (split) => split !== "train", key);
      const isMeasured = ALWAYS.some(([each]) => each === key);
      const { range, isCut } = isMeasured ? readableRange([train, held]) : { range: null, isCut: false };
      isAnyCut ||= isCut;
      note.textContent = isCut && !isFull() ? "first epochs cut off" : "";
      const mode = ({ x }) => (x.length < 40 ? "lines+markers" : "lines");
      const hovertemplate = key === "learning_rate" ? "%{y:.2e}" : "%{y:.2f}";
      const traces = [
        { ...train, name: "train", mode: mode(train), hovertemplate, line: { color: pageColour("muted"), width: 1.3 }, marker: { size: 4 } },
        { ...held, name: heldOut ?? "held out", mode: mode(held), hovertemplate, line: { color: pageColour("accent"), width: 2 }, marker: { size: 5 } },
      ].filter(({ x }) => x.length > 0);
      if (!chart.isZoomed) chart.range = isFull() ? null : range;
      plotly.react(place, traces, chartLayout(chart.range), { ...CONFIG, doubleClick: "reset" });
      if (chart.isZoomed === null) keepZoom(chart);
      const last = (held.y.length ? held : train).y.at(-1);
      place.setAttribute("aria-label", `${key.replace("_nats", "")} by epoch${last === undefined ? ", no values yet" : `, last ${number(last)}`}`);
    }
    full.disabled = !isAnyCut && !isFull();
    rested = performance.now() + Math.min(REST * (performance.now() - began), LONGEST);
    legend.replaceChildren(swatch("muted", "train"), ...(heldOut ? [swatch("accent", heldOut)] : []));
  }

  /** A chart that was zoomed keeps its ranges until a double click, or until all are shown whole. @param {any} chart */
  function keepZoom(chart) {
    chart.isZoomed = false;
    chart.place.on("plotly_relayout", (/** @type {any} */ change) => { chart.isZoomed ||= Object.keys(change).some((key) => /^[xy]axis.range/.test(key)); });
    chart.place.on("plotly_doubleclick", () => setTimeout(() => { chart.isZoomed = false; draw(); }, RESET));
  }

  /** @param {[number, number] | null} range of y; null takes all of it */
  function chartLayout(range) {
    const at = moment.step === null ? null : epochAt(state, moment.step);
    const mark = at === null || state.records.length === 0 ? [] : [{ type: "line", x0: at, x1: at, y0: 0, y1: 1, yref: "paper", line: { color: pageColour("accent"), width: 1, dash: "dot" } }];
    const isTouched = matchMedia("(pointer: coarse)").matches; // a finger on a chart scrolls the page
    return layout({
      uirevision: "kept", dragmode: isTouched ? false : "zoom", shapes: mark, margin: { l: 48, r: 8, t: 6, b: 34 },
      xaxis: { title: { text: "epoch", font: { color: pageColour("muted"), size: 11 }, standoff: 4 }, hoverformat: ".2f", rangemode: "tozero", nticks: 6 },
      yaxis: { ...(range ? { range, autorange: false } : {}), uirevision: String(isFull()), nticks: 6, exponentformat: "none" },
    });
  }

  function drawWaiting() {
    const isOver = !["running", "created"].includes(state.summary.state);
    waiting.hidden = state.records.length > 0 && !broken && !state.isExact;
    if (waiting.hidden) return;
    const words = broken || (state.isExact && isOver && state.isKnown && "Solved in closed form, in one step: there is no curve.") || (!state.isKnown ? "Reading the records." : isOver ? "This training ended before its first record." : whatGoesOn(state, detail));
    waiting.replaceChildren(...(isOver || broken ? [] : [h("div", { class: "spinner" })]), h("p", null, words));
  }

  function update() {
    drawWaiting();
    const due = state.records.length > 2 && state.summary.state === "running" ? Math.max(rested, performance.now() + TOGETHER) : rested;
    if (plotly && !pending) pending = setTimeout(() => requestAnimationFrame(draw), due - performance.now());
  }

  charts().then((found) => { plotly = found; update(); }, (error) => { broken = error.message; drawWaiting(); });
  window.addEventListener("theme", update, { signal });
  signal.addEventListener("abort", () => { clearTimeout(pending); for (const { place } of places.values()) plotly?.purge(place); });
  drawWaiting();
  return { element, update };
}

/** @param {string} name a colour of the page @param {string} words */
const swatch = (name, words) => h("span", null, h("i", { style: { background: `var(--${name})` } }), words);

/** What a training does before its first record. @param {import("./state.js").State} state @param {any} detail */
function whatGoesOn(state, detail) {
  if (state.summary.state === "created") return "Reading the data and building the model.";
  if (detail.info.compute?.compiled) return "The training step is being compiled, which may take a minute; then the first records come.";
  return "The first records come after a few hundred steps.";
}
