// What was trained, on what, where: the recipe in words and as a file, results, environment.

import { h, icon, ICONS } from "../dom.js";
import { save } from "../pictures.js";

/** @param {[string, string][]} pairs */
const pairs = (pairs) => h("dl", { class: "pairs" }, pairs.map(([term, words]) => [h("dt", null, term), h("dd", null, words)]));

/** @param {import("../main.js").Stage} stage */
export function show({ root, run, detail }) {
  const toml = () => save(new Blob([detail.recipe], { type: "application/toml" }), `${run}.toml`);
  const results = detail.results.map(([name, cells]) => h("tr", null, h("td", null, name), h("td", { class: "number" }, cells[0])));
  root.append(...[
    detail.results.length > 0 && h("section", { class: "card" }, h("header", null, h("h2", null, `Results on the ${detail.info.results.split} split`)),
      h("div", { class: "scroll-x" }, h("table", null, h("tbody", null, results)))),
    h("section", { class: "card" }, h("header", null, h("h2", null, "In words")), pairs(detail.recipe_in_words)),
    h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, "recipe.toml"),
      h("a", { class: "button", href: `#/train?from=${encodeURIComponent(run)}` }, "Train a variation"),
      h("button", { onclick: toml }, icon(ICONS.save), "Save")), h("pre", { class: "mono" }, detail.recipe)),
    h("section", { class: "card" }, h("header", null, h("h2", null, "Environment")), pairs(detail.environment))].filter(Boolean));
}
