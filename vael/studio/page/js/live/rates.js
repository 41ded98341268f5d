// What each latent dimension costs through the training: a heat map, the largest last rate on top.

import { call, ofRun } from "../api.js";
import { charts, CONFIG, layout } from "../charts.js";
import { fill, h } from "../dom.js";
import { number } from "../format.js";
import { pageColour } from "../theme.js";
import { shortEpoch } from "./state.js";

const LEAST = 3000; // milliseconds between two readings
const FEW = 64; // dimensions shown at first; a row of more is too thin to point at
const NAMED = 40; // rows that have room for a name each
const DARK = 0.1; // nats: the brightest colour stands for at least that, else a silent model would glow
const SHORTEST = 88; // pixels of all rows together: the colours need room for their scale
const AROUND = 58; // pixels of the axis below and the margin above

/** @typedef {{ steps: number[], epochs: number[], rates: (number | null)[][], at: (step: number) => number[] | null }} History */

/** @param {string} run @param {AbortSignal} signal @param {() => void} changed */
export function history(run, signal, changed) {
  let timer = 0, isBusy = false, isStale = false;

  /** Read them anew; asked again meanwhile, they are read once more after a while. */
  async function refresh() {
    if (isBusy) { isStale = true; return; }
    isBusy = true;
    try {
      const read = await call(ofRun(run, "/rates"), { signal });
      Object.assign(found, { steps: read.steps, epochs: read.epochs, rates: read.rate_per_dim_nats, isRead: true });
      changed();
    } catch (error) {
      if (signal.aborted) return;
      found.error = error.message;
      changed();
    }
    timer = setTimeout(() => { isBusy = false; if (isStale) { isStale = false; refresh(); } }, LEAST);
  }

  signal.addEventListener("abort", () => clearTimeout(timer));
  const found = {
    steps: /** @type {number[]} */ ([]), epochs: /** @type {number[]} */ ([]), rates: /** @type {(number | null)[][]} */ ([]), isRead: false, error: "", refresh,
    /** @param {number} step @returns {number[] | null} the rates at a snapshot, where they are known */
    at(step) {
      const rates = found.rates[found.steps.indexOf(step)];
      return rates?.every((rate) => rate !== null) ? /** @type {number[]} */ (rates) : null;
    },
  };
  return found;
}

/**
 * @param {{ detail: any, signal: AbortSignal, moment: import("./moment.js").Moment, rates: ReturnType<typeof history>,
 *   state: import("./state.js").State }} live
 */
export function rateMap({ detail, signal, moment, rates, state }) {
  const numDims = detail.latent_dim, isWide = numDims > FEW;
  const place = h("div", { class: "live-map", role: "img", "aria-label": "Rate of each latent dimension through the training" });
  const words = h("p", { class: "muted" }), all = h("button", { class: "small", "aria-pressed": "false", hidden: !isWide }, `All ${numDims}`);
  const element = h("section", { class: "card" }, h("header", null, h("h2", null, "Rate of each dimension"), h("small", { class: "muted" }, "nats"), h("span", { class: "grow" }), all), place, words);
  let plotly = /** @type {any} */ (null), pending = 0, isPlotted = false;

  const isAll = () => all.getAttribute("aria-pressed") === "true";
  const numRows = () => (isAll() ? numDims : Math.min(numDims, FEW));
  const height = () => AROUND + Math.max(SHORTEST, numRows() * Math.max(4, Math.min(22, Math.round(420 / numRows()))));
  place.style.height = `${height()}px`;
  all.addEventListener("click", () => { all.setAttribute("aria-pressed", String(!isAll())); update(); });

  /** Why there is nothing to draw. */
  function whyNone() {
    if (!detail.has_rate) return "A plain autoencoder has no rate.";
    if (rates.error) return rates.error;
    if (state.snapshots.length === 0) return "There are no snapshots to take rates from.";
    if (rates.isRead && !rates.steps.some((step) => rates.at(step))) {
      return "Its snapshots hold no rates: its dimensions do not factorise, or an older vael trained it.";
    }
    return "";
  }

  function draw() {
    pending = 0;
    const why = whyNone();
    words.textContent = why;
    words.hidden = !why;
    place.hidden = Boolean(why);
    all.hidden = !isWide || Boolean(why);
    if (signal.aborted || !plotly || why || !rates.isRead) return;
    const known = rates.steps.flatMap((step, at) => (rates.at(step) ? [{ step, epoch: rates.epochs[at], rates: /** @type {number[]} */ (rates.at(step)) }] : []));
    const last = known[known.length - 1].rates;
    const dims = last.map((_, dim) => dim).sort((one, other) => last[other] - last[one]).slice(0, numRows());
    const z = dims.map((dim) => known.map((each) => each.rates[dim]));
    const when = known.map((each) => (each.step === 0 ? "untrained" : `epoch ${shortEpoch(each.epoch)}`));
    const hovertext = dims.map((dim) => known.map((each, at) => `z${dim}, ${when[at]}: ${number(each.rates[dim])} nats`));
    const later = known.slice(Math.floor(known.length / 2)).flatMap((each) => each.rates);
    place.style.height = `${height()}px`;
    plotly.react(place, [{
      type: "heatmap", z, hovertext, hoverinfo: "text", colorscale: "Cividis", zmin: 0, zmax: later.reduce((most, rate) => Math.max(most, rate), DARK),
      xgap: known.length < 60 ? 1 : 0, ygap: dims.length <= NAMED ? 1 : 0,
      colorbar: { thickness: 10, outlinewidth: 0, len: 1, x: 1.01, tickfont: { color: pageColour("muted") }, nticks: 5 },
    }], mapLayout(known, dims), CONFIG);
    if (isPlotted) return;
    isPlotted = true;
    /** @type {any} */ (place).on("plotly_click", (/** @type {any} */ event) => {
      const step = shownSteps[event.points[0].x];
      if (step !== undefined) moment.choose(step);
    });
  }

  let shownSteps = /** @type {number[]} */ ([]);

  /** @param {{ step: number, epoch: number }[]} known @param {number[]} dims */
  function mapLayout(known, dims) {
    shownSteps = known.map((each) => each.step);
    const at = shownSteps.indexOf(moment.step ?? -1), every = Math.ceil(known.length / Math.max(2, place.clientWidth / 72));
    const ticks = known.map((_, place) => place).filter((place) => (known.length - 1 - place) % every === 0);
    const isNamed = dims.length <= NAMED, title = (/** @type {string} */ text) => ({ text, font: { color: pageColour("muted"), size: 11 }, standoff: 4 });
    const ink = pageColour("ink");
    return layout({
      hovermode: "closest", dragmode: false, margin: { l: isNamed ? 34 : 30, r: 8, t: 6, b: 40 },
      shapes: at < 0 ? [] : [{ type: "rect", x0: at - 0.5, x1: at + 0.5, y0: 0, y1: 1, yref: "paper", line: { color: ink, width: 1.5 } }],
      xaxis: { tickvals: ticks, ticktext: ticks.map((place) => shortEpoch(known[place].epoch)), tickangle: 0, title: title("epoch, at each snapshot"), showgrid: false, zeroline: false, fixedrange: true },
      yaxis: {
        autorange: "reversed", showgrid: false, zeroline: false, fixedrange: true, tickfont: { size: 10, color: pageColour("muted") },
        ...(isNamed ? { tickvals: dims.map((_, row) => row), ticktext: dims.map((dim) => `z${dim}`) }
          : { showticklabels: false, ticks: "", title: title(`${dims.length} of ${numDims} dimensions, the largest last rate on top`) }),
      },
    });
  }

  function update() {
    if (!pending) pending = requestAnimationFrame(draw);
  }

  charts().then((found) => { plotly = found; update(); }, (error) => { rates.error = error.message; update(); });
  window.addEventListener("theme", update, { signal });
  signal.addEventListener("abort", () => plotly?.purge(place));
  return { element, update };
}
