// Denoise: examples, what noise makes of them, and what the model makes of that.

import { asking } from "../draw/fields.js";
import { fill, h } from "../dom.js";
import { number, short } from "../format.js";
import { setQuery } from "../router.js";
import { again, amount, answer, choice, controls, subject } from "./form.js";
import { canvases, rowsOf } from "./pictures.js";

/** @param {import("../views/use.js").Bench} bench */
export function show(bench) {
  const { root, run, detail, offer, query, signal } = bench, isImage = detail.observation.is_image;
  const form = controls("Mend what noise has spoilt"), result = answer("Mending …");
  const { ask } = asking({ run, wait: result.wait, signal }, {
    onFound: (found) => { form.say(""); fill(result.place, isImage ? pictures(found) : rows(found)); },
    onError: (error) => { form.say(error.message); fill(result.place); },
  });
  const noiseOf = (name) => offer.noises.find((each) => each.name === name);
  const asked = Number(query.get("amount") ?? "x");
  let size = sizeOf(query.get("noise") ?? offer.noises[0]?.name, asked);
  const go = async () => {
    const isOwn = examples.file === null;
    spoil.hidden = !isOwn;
    const noise = isOwn ? { noise: kind.value, amount: size?.value ?? null } : {};
    ask("/denoise", { method: "POST", body: { ...await examples.asked(), ...noise, seed: other.seed } });
  };
  const examples = subject(bench, { most: isImage ? 16 : 1, few: isImage ? 8 : 1, accept: isImage ? "image/*" : ".csv", onChange: go, onError: (error) => form.say(error.message),
    invite: isImage ? "or drop an image anywhere: it is mended as it is" : "or drop a .csv anywhere: its first row is mended as it is" });
  const kind = choice("Noise", offer.noises.map(({ name }) => ({ name })), query.get("noise") ?? offer.noises[0]?.name, () => {
    size = sizeOf(kind.value, NaN);
    fill(sizePlace, size?.element);
    setQuery({ noise: kind.value, amount: null });
    go();
  });
  const other = again("Other noise", query, go);
  const sizePlace = h("div", null, size?.element), spoil = h("div", { class: "stack" }, kind.element, sizePlace, h("div", { class: "row" }, other.element));
  form.fill(examples.element, spoil);
  root.append(form.element, result.element);
  examples.begin();

  /** The one number of a noise. @param {string} name @param {number} value */
  function sizeOf(name, value) {
    const noise = noiseOf(name) ?? offer.noises[0];
    if (!noise?.option) return null;
    const isSigma = noise.option === "sigma", max = isSigma ? 2 : 1;
    const start = value >= 0 && value <= max ? value : noise.default ?? 0.3;
    return amount(isSigma ? "Its standard deviation σ" : "Share of what is spoilt", { min: 0, max, step: 0.05, value: start }, (next) => { setQuery({ amount: String(next) }); go(); });
  }

  /** @param {any} found */
  function pictures(found) {
    const isOwn = found.x !== null, names = isOwn ? ["clean", "spoilt", "mended"] : ["came", "mended"];
    const parts = [found.x, found.seen, found.mean].filter((packed) => packed !== null);
    const drawn = parts.map((packed, part) => canvases(packed, (i) => `${isOwn ? `Example ${found.examples[i]}` : "The image"}: ${names[part]}`));
    const words = (i) => (found.before ? h("span", { class: "muted" }, `${number(found.before.psnr_db[i], 1)} → ${number(found.after.psnr_db[i], 1)} dB`) : null);
    const name = (i) => (isOwn ? `#${found.examples[i]}${found.labels ? ` · ${found.labels[i]}` : ""}` : "");
    const figure = (i) => h("figure", null, h("div", { class: "triple" }, drawn.map((part) => part[i])), h("figcaption", { class: "small" }, h("b", null, name(i)), words(i)));
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, isOwn ? "Clean, spoilt, mended" : "What came, and mended"), gain(found)),
      h("div", { class: `blamed ${isOwn ? "" : "single"}` }, drawn[0].map((_, i) => figure(i))));
  }

  /** How much nearer to the clean ones. @param {any} found */
  function gain({ before, after }) {
    if (!before) return h("span", { class: "small muted" }, "How near it is to a clean one nobody knows");
    const ssim = before.mean_ssim === null ? "" : ` · SSIM ${number(before.mean_ssim, 3)} → ${number(after.mean_ssim, 3)}`;
    return h("span", { class: "small muted" }, `Mean PSNR ${number(before.mean_psnr_db)} → ${number(after.mean_psnr_db)} dB${ssim}`);
  }

  /** @param {any} found */
  function rows(found) {
    const parts = /** @type {[string, any][]} */ ([["Clean", found.x], ["Spoilt", found.seen], ["Mended", found.mean]]).filter(([, packed]) => packed !== null).map(([name, packed]) => ({ name, row: rowsOf(packed)[0] }));
    const lines = detail.observation.columns.map((column, j) => h("tr", null, h("td", null, column), parts.map(({ row }) => h("td", { class: "number" }, short(row[j])))));
    return h("section", { class: "card" }, h("header", null, h("h2", null, found.examples ? `Example ${found.examples[0]}` : "The first row")),
      h("div", { class: "scroll-x" }, h("table", null, h("thead", null, h("tr", null, h("th", { scope: "col" }, "Column"), parts.map(({ name }) => h("th", { class: "number", scope: "col" }, name)))), h("tbody", null, lines))));
  }
}
