// Inpaint: hide a part of a picture, or empty cells of a row, and see what the model could put there.

import { unpack } from "../api.js";
import { asking } from "../draw/fields.js";
import { fill, h } from "../dom.js";
import { number } from "../format.js";
import { setQuery } from "../router.js";
import { again, amount, answer, controls, inBase64, subject } from "./form.js";
import { holes } from "./holes.js";
import { Mask } from "./mask.js";
import { canvases } from "./pictures.js";

const FILLS = 4;

/** @param {import("../views/use.js").Bench} bench */
export function show(bench) {
  const { root, run, detail, query, signal } = bench, isImage = detail.observation.is_image;
  const form = controls("Fill what is missing"), result = answer("Filling …");
  const asked = Number(query.get("fills"));
  const part = isImage ? ofPictures(bench, result.place, () => go()) : holes(detail.observation.columns, result.place, () => go());
  const { ask } = asking({ run, wait: result.wait, signal }, {
    onFound: (found) => { form.say(""); part.show(found); },
    onError: (error) => { form.say(error.message); part.clear(); },
  });
  const go = async () => {
    const own = part.isOwnRow() ? { file: await inBase64(new Blob([part.csv()])), filename: "the row" } : await examples.asked();
    ask("/inpaint", { method: "POST", body: { ...own, ...part.asked(), num_fills: fills.value, seed: other.seed } });
  };
  const anew = () => { part.forget(); go(); };
  const examples = subject(bench, { most: 1, few: 1, accept: isImage ? "image/*" : ".csv", onChange: anew, onError: (error) => form.say(error.message),
    invite: isImage ? "or drop a picture anywhere" : "or drop a .csv anywhere: its first row, whose empty cells are filled" });
  const fills = amount("Fills", { min: 1, max: 12, step: 1, value: asked >= 1 && asked <= 12 ? asked : FILLS }, (value) => { setQuery({ fills: value === FILLS ? null : String(value) }); go(); });
  const other = again("Other fills", query, () => go());
  form.fill(examples.element, part.element, fills.element, h("div", { class: "row" }, other.element));
  root.append(form.element, result.element);
  examples.begin();
}

/**
 * A picture to paint on, and the fills beside it.
 * @param {import("../views/use.js").Bench} bench @param {HTMLElement} place @param {() => void} go
 */
function ofPictures({ detail, offer, query }, place, go) {
  const [, height, width] = detail.observation.shape, regions = Object.fromEntries(Object.entries(offer.regions).map(([name, packed]) => [name, unpack(packed)?.data]));
  const changed = (name) => {
    setQuery({ hide: name });
    for (const [region, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(region === name));
    go();
  };
  const mask = new Mask({ height, width, onChange: () => changed(null) });
  const hide = (name) => { mask.set(regions[name] ?? new Uint8Array(height * width)); changed(name); };
  const buttons = Object.fromEntries(Object.keys(regions).map((name) => [name, h("button", { type: "button", class: "small", onclick: () => hide(name) }, name[0].toUpperCase() + name.slice(1))]));
  const erase = h("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => { mask.isErasing = !mask.isErasing; erase.setAttribute("aria-pressed", String(mask.isErasing)); } }, "Show again");
  const clear = h("button", { type: "button", class: "small", onclick: () => { mask.set(new Uint8Array(height * width)); changed(null); } }, "Clear");
  const brush = amount("Brush, pixels across", { min: 1, max: Math.max(3, Math.round(Math.max(height, width) / 2)), step: 1, value: Math.max(1, Math.round(2 * mask.radius)) }, (value) => { mask.radius = value / 2; });
  const first = query.get("hide") ?? "bottom", results = h("div", { class: "fills" }), words = h("p", { class: "small muted" });
  mask.set(regions[first] ?? new Uint8Array(height * width));
  buttons[first]?.setAttribute("aria-pressed", "true");
  const element = h("div", { class: "stack" }, h("div", { class: "control" }, h("span", { class: "small muted" }, "Hide"), h("div", { class: "row" }, Object.values(buttons), erase, clear)), brush.element);
  const painted = h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, "Paint over what to hide"), words),
    h("div", { class: "painting" }, h("div", { class: "easel", style: { aspectRatio: `${width} / ${height}` } }, mask.canvas), results));
  fill(place, painted);

  const show = (found) => {
    mask.look(canvasData(found.x));
    if (mask.isEmpty) { fill(words, "Nothing is hidden yet."); fill(results, h("p", { class: "muted" }, "Drag over the picture, or choose a part at the left.")); return; }
    fill(words, `${number(100 * found.hidden, 0)} % hidden · ${number(100 * found.acceptance, 1)} % of the proposals taken`);
    const figures = [...canvases(found.fills, (i) => `Fill ${i + 1}`).map((canvas, i) => [canvas, `Fill ${i + 1}`]),
      ...canvases(found.mean, () => "Mean of the fills").map((canvas) => [canvas, "Mean"]), ...canvases(found.x, () => "Original").map((canvas) => [canvas, found.examples ? `Original${found.labels ? ` · ${found.labels[0]}` : ""}` : "What came"])];
    fill(results, figures.map(([canvas, title]) => h("figure", null, canvas, h("figcaption", { class: "small muted" }, title))));
  };
  const asked = () => ({ mask: btoa(String.fromCharCode(...mask.hidden)) });
  return { element, show, asked, clear: () => { fill(results); fill(words); }, forget: () => {}, isOwnRow: () => false, csv: () => "" };
}

/** @param {any} packed @returns {Uint8Array} */
const canvasData = (packed) => /** @type {Uint8Array} */ (unpack(packed)?.data);
