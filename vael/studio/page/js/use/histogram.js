// How the scores lie: those of normal examples, those that were asked for, and the threshold between.

import { unpack } from "../api.js";
import { charts, CONFIG, layout } from "../charts.js";
import { fill, h } from "../dom.js";
import { number } from "../format.js";
import { pageColour } from "../theme.js";

/** @param {AbortSignal} signal */
export function histogram(signal) {
  const place = h("div", { class: "histogram", role: "img" }), legend = h("div", { class: "legend small" });
  /** @type {{ found: any, name: string } | null} */
  let shown = null;

  async function draw() {
    if (!shown) return;
    const { found, name } = shown, normal = found.calibration, isSame = found.is_own && name.startsWith(normal.split);
    const given = Array.from(unpack(found.score_nats).data).filter(Number.isFinite), held = Array.from(unpack(normal.score_nats).data);
    place.setAttribute("aria-label", `Histogram of ${given.length} scores; threshold ${number(found.threshold_nats)} nats`);
    const bars = (x, colour, opacity) => ({ type: "histogram", x, histnorm: "percent", bingroup: 1, opacity, marker: { color: colour }, hovertemplate: "%{y:.1f} % at %{x} nats<extra></extra>" });
    const traces = [...(isSame ? [] : [bars(held, pageColour("muted"), 0.45)]), bars(given, pageColour("accent"), isSame ? 0.85 : 0.65)];
    const line = { type: "line", x0: found.threshold_nats, x1: found.threshold_nats, y0: 0, y1: 1, yref: "paper", line: { color: pageColour("warning"), width: 2 } };
    fill(legend, isSame ? [] : swatch("muted", `normal: ${normal.split} split`), swatch("accent", isSame ? `${name}, which is normal` : name), swatch("warning", `threshold, ${number(found.threshold_nats)} nats`));
    try {
      const plotly = await charts();
      if (signal.aborted || !place.isConnected) return;
      await plotly.react(place, traces, layout({ barmode: "overlay", bargap: 0.04, hovermode: "closest", dragmode: false, shapes: [line], margin: { l: 44, r: 8, t: 6, b: 38 },
        xaxis: { title: { text: "score, nats", font: { color: pageColour("muted"), size: 11 }, standoff: 4 }, showgrid: false },
        yaxis: { title: { text: "% of examples", font: { color: pageColour("muted"), size: 11 }, standoff: 4 }, nticks: 5 } }), CONFIG);
    } catch (error) {
      fill(place, h("p", { class: "error-text" }, error.message));
    }
  }

  window.addEventListener("theme", draw, { signal });
  return { element: h("div", null, place, legend), show: (/** @type {any} */ found, /** @type {string} */ name) => { shown = { found, name }; draw(); } };
}

/** @param {string} name a colour of the page @param {string} words */
const swatch = (name, words) => h("span", null, h("i", { style: { background: `var(--${name})` } }), words);
