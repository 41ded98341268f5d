// Colorize: grey images, and several ways to colour them.

import { asking } from "../draw/fields.js";
import { fill, h } from "../dom.js";
import { number } from "../format.js";
import { setQuery } from "../router.js";
import { again, amount, answer, controls, subject } from "./form.js";
import { canvases } from "./pictures.js";

/** @param {import("../views/use.js").Bench} bench */
export function show(bench) {
  const { root, run, query, signal } = bench;
  const form = controls("Give grey images colours"), result = answer("Colouring …");
  const { ask } = asking({ run, wait: result.wait, signal }, {
    onFound: (found) => { form.say(""); fill(result.place, rows(found)); },
    onError: (error) => { form.say(error.message); fill(result.place); },
  });
  const go = async () => ask("/colorize", { method: "POST", body: { ...await examples.asked(), num_colourings: count.value, seed: other.seed } });
  const examples = subject(bench, { most: 16, few: 5, accept: "image/*", invite: "or drop an image anywhere: if it has colours, they are taken away", onChange: go, onError: (error) => form.say(error.message) });
  const asked = Number(query.get("colourings"));
  const count = amount("Colourings", { min: 1, max: 8, step: 1, value: asked >= 1 && asked <= 8 ? asked : 4 }, (value) => { setQuery({ colourings: String(value) }); go(); });
  const other = again("Other colours", query, go);
  form.fill(examples.element, count.element, h("div", { class: "row" }, other.element));
  root.append(form.element, result.element);
  examples.begin();

  /** @param {any} found */
  function rows(found) {
    const grey = canvases(found.grey, () => "Grey"), size = grey.length, colourings = canvases(found.colourings, (i) => `Colouring ${Math.floor(i / size) + 1}`);
    const own = found.x && canvases(found.x, () => "In its own colours"), times = colourings.length / size;
    const titles = [...(own ? ["Original"] : []), "Grey", ...Array.from({ length: times }, (_, s) => `${s + 1}`)];
    const style = { gridTemplateColumns: `repeat(${titles.length}, minmax(0, 1fr))` };
    const caption = (s, i) => (found.psnr_db ? h("figcaption", { class: "small muted" }, `${number(s === null ? found.grey_psnr_db[i] : found.psnr_db[s][i], 1)} dB`) : null);
    const cells = grey.map((canvas, i) => [own && h("figure", null, own[i], found.psnr_db && h("figcaption", { class: "small" }, h("b", null, `#${found.examples[i]}`))), h("figure", null, canvas, caption(null, i)),
      Array.from({ length: times }, (_, s) => h("figure", null, colourings[s * size + i], caption(s, i)))]);
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, `${times} ${times === 1 ? "colouring" : "colourings"}`),
      h("span", { class: "small muted" }, found.psnr_db ? "below: PSNR against the original" : "an image from outside has no original")),
      h("div", { class: "colourings", style }, titles.map((title) => h("span", { class: "small muted" }, title)), cells));
  }
}
