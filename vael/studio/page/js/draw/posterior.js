// The posterior of one x: each dimension's mean ± one standard deviation, those with the largest rate first.

import { call, ofRun } from "../api.js";
import { fill, h } from "../dom.js";
import { number } from "../format.js";
import { tell } from "../toast.js";

const SHOWN = 20;

/**
 * The order is that of the mean rate over the data, so that no row jumps while one draws.
 * @param {string} run @param {{ latentDim: number, hasRate: boolean, signal: AbortSignal }} options
 * @returns {{ element: HTMLElement, show: (found: any) => void }}
 */
export function posterior(run, { latentDim, hasRate, signal }) {
  const first = h("div", { class: "dims" }), rest = h("div", { class: "dims" });
  const folded = Math.max(0, latentDim - SHOWN);
  const more = /** @type {HTMLDetailsElement} */ (h("details", { hidden: !folded }, h("summary", { class: "small" }, `${folded} more dimensions`), rest));
  const element = h("section", { class: "card posterior" }, h("header", null, h("h2", { class: "grow" }, "Posterior q(z | x)"),
    h("span", { class: "small muted" }, hasRate ? "mean ± sd · rate, nats" : "the latent")), first, more);
  let rows = [], latest = null;

  /** @param {{ dim: number, limit: number }} dimension */
  const row = ({ dim, limit }) => {
    const bar = h("i", { class: "spread", hidden: true }), mean = h("i", { class: "mean", hidden: true }), rate = h("span", { class: "number" });
    const track = h("div", { class: "track" }, h("i", { class: "prior", style: { left: `${50 - 50 / limit}%`, width: `${100 / limit}%` } }), bar, mean);
    return { dim, limit, bar, mean, rate, track, parts: [h("span", { class: "muted" }, `z${dim}`), track, rate] };
  };
  const update = ({ dim, limit, bar, mean, rate, track }) => {
    bar.hidden = mean.hidden = latest === null;
    if (latest === null) { rate.textContent = ""; track.title = ""; return; }
    const at = latest.z[dim], sd = latest.z_stddev[dim] ?? 0, share = (value) => 50 + 50 * Math.max(-1, Math.min(1, value / limit));
    bar.style.left = `${share(at - sd)}%`;
    bar.style.width = `${share(at + sd) - share(at - sd)}%`;
    mean.style.left = `${share(at)}%`;
    rate.textContent = hasRate ? number(latest.rate_per_dim_nats[dim]) : number(at);
    track.title = `z${dim}: ${number(at)} ± ${number(sd)}`;
  };
  const show = (found) => {
    latest = found;
    rows.slice(0, more.open ? rows.length : SHOWN).forEach(update);
  };
  more.addEventListener("toggle", () => show(latest));

  const set = (dimensions) => {
    rows = dimensions.map(row);
    fill(first, rows.slice(0, SHOWN).map((each) => each.parts));
    fill(rest, rows.slice(SHOWN).map((each) => each.parts));
    show(latest);
  };
  set(Array.from({ length: latentDim }, (_, dim) => ({ dim, limit: 3 })));
  call(ofRun(run, "/dimensions"), { signal }).then((found) => set(found.dimensions)).catch(tell);
  return { element, show };
}
