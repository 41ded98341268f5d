// Use: what a run can be asked for, a verb each; one that makes no sense for it says why.

import { call, ofRun } from "../api.js";
import { fill, h } from "../dom.js";
import { href } from "../router.js";

/**
 * What a verb is given.
 * @typedef {{ name: string, summary: string, misfit: string | null }} Score
 * @typedef {{ verbs: Record<string, string | null>, split: string, count: number, normal_examples: number, scores: Score[], default_score: string,
 *   noises: { name: string, option: string | null, default: number | null }[], regions: Record<string, any>,
 *   methods: { name: string, misfit: string | null }[], labels: string[] }} Offer as GET /api/runs/NAME/verbs describes it
 * @typedef {{ root: HTMLElement, run: string, detail: any, offer: Offer, query: URLSearchParams, signal: AbortSignal, drop: HTMLElement }} Bench
 *   `drop` is the element that is marked while a file is dragged over the page
 */

/** @type {Record<string, { title: string, load: () => Promise<{ show: (bench: Bench) => void | Promise<void> }> }>} */
const VERBS = {
  detect: { title: "Detect", load: () => import("../use/detect.js") },
  denoise: { title: "Denoise", load: () => import("../use/denoise.js") },
  inpaint: { title: "Inpaint", load: () => import("../use/inpaint.js") },
  colorize: { title: "Colorize", load: () => import("../use/colorize.js") },
  cluster: { title: "Cluster", load: () => import("../use/cluster.js") },
  compress: { title: "Compress", load: () => import("../use/compress.js") },
};

/** @param {import("../main.js").Stage} stage */
export async function show({ root, run, detail, query, signal }) {
  if (!detail.has_weights) {
    root.append(h("div", { class: "empty" }, h("h1", null, "No weights yet"), h("p", null, "A run can be used after its first checkpoint.")));
    return;
  }
  fill(root, h("div", { class: "loading" }, h("div", { class: "spinner", role: "progressbar", "aria-label": "Trying what can be asked of the run" })));
  const offer = await call(ofRun(run, "/verbs"), { signal });
  if (signal.aborted) return;
  const asked = query.get("verb"), verb = asked !== null && asked in VERBS ? asked : Object.keys(VERBS).find((name) => offer.verbs[name] === null) ?? "detect";
  const link = (name) => {
    const refusal = offer.verbs[name];
    return h("a", { href: href(run, "use", { verb: name }), title: refusal, class: refusal ? "off" : null, "aria-description": refusal,
      "aria-current": name === verb ? "page" : null }, VERBS[name].title);
  };
  const bench = h("div", { class: "bench" });
  fill(root, h("nav", { class: "verbs", "aria-label": "What to do with the run" }, Object.keys(VERBS).map(link)), bench);
  root.querySelector('.verbs [aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });
  if (offer.verbs[verb] !== null) {
    fill(bench, h("div", { class: "card empty" }, h("h2", null, `${VERBS[verb].title} makes no sense for this run`), h("p", null, offer.verbs[verb])));
    return;
  }
  const module = await VERBS[verb].load();
  if (!signal.aborted) await module.show({ root: bench, run: /** @type {string} */ (run), detail, offer, query, signal, drop: root });
}
