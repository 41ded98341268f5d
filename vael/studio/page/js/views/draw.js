// Draw or drop: what the model makes of an x that comes from a hand, a file, or the data.

import { h } from "../dom.js";
import { smallMap } from "../draw/chart.js";
import { takeFiles } from "../draw/fields.js";
import { pictureInput } from "../draw/picture_input.js";
import { posterior } from "../draw/posterior.js";
import { heading, neighbours, numbers, pair } from "../draw/result.js";
import { rowInput } from "../draw/row_input.js";

/** @param {import("../main.js").Stage} stage */
export function show({ root, run, detail, query, signal }) {
  if (!detail.has_weights) {
    root.append(h("div", { class: "empty" }, h("h1", null, "No weights yet"), h("p", null, "One can draw for the model after its first checkpoint.")));
    return;
  }
  const { shape, is_image: isImage, columns } = detail.observation, counts = detail.info.data.counts;
  const split = ["test", "valid", "train"].find((name) => name in counts) ?? "train";
  const size = /** @type {[number, number]} */ (isImage ? [shape[1], shape[2]] : [1, 1]);
  const about = { hasRate: detail.has_rate, latentDim: detail.latent_dim, isImage, size, split, signal };
  const seen = isImage ? pair(size) : null, map = detail.latent_dim >= 2 ? smallMap(run, signal) : null;
  const terms = numbers(about), bars = posterior(run, about), near = neighbours(run, about), top = heading();

  /** Show what the server found, or nothing. @param {any} found */
  const tell = (found) => {
    for (const part of [seen, terms, bars, near]) part?.show(found);
    map?.place(found?.point);
  };
  const desk = { run, split, count: counts[split], tell, wait: top.wait, signal };
  const input = isImage ? pictureInput(desk, shape) : rowInput(desk, columns);
  const says = h("section", { class: "card says" }, top.element, seen?.element, terms.element);
  const noMap = h("section", { class: "card place" }, h("header", null, h("h2", null, "On the map")),
    h("p", { class: "muted" }, "A latent of one dimension has no map."));
  root.append(h("div", { class: `draw-grid ${isImage ? "of-pictures" : "of-rows"}` }, input.element,
    h("div", { class: "stack" }, says, near.element), h("div", { class: "stack" }, map?.element ?? noMap, bars.element)));
  takeFiles(root, input.take, signal);
  const asked = query.get("example");
  if (asked !== null && /^\d+$/.test(asked)) input.example(Number(asked));
  else input.begin();
}
