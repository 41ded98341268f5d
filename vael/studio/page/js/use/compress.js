// Compress: images as one file whose length is the model's own bound, and back.

import { asking } from "../draw/fields.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { number, whole } from "../format.js";
import { save } from "../pictures.js";
import { setQuery } from "../router.js";
import { amount, answer, controls, source } from "./form.js";
import { canvases } from "./pictures.js";

const USUAL = 100, MOST = 2000;
const PARTS = { message_bits: ["The images' own", "accent"], initial_bits: ["To begin with", "warning"], overhead_bits: ["Header and names", "muted"] };

/** @param {import("../views/use.js").Bench} bench */
export function show(bench) {
  const { root, run, offer, query, signal } = bench, form = controls("Images as one file, and back"), result = answer("Coding, and decoding again to compare …");
  const handlers = (draw) => ({ onFound: (found) => { form.say(""); fill(result.place, draw(found)); }, onError: (error) => { form.say(error.message); fill(result.place); } });
  const own = `${offer.split} split`;
  const { ask } = asking({ run, wait: result.wait, signal }, handlers((found) => ("pictures" in found ? read(found) : written(found))));
  const go = () => {
    const { file } = images, name = file?.name || "the upload", isCoded = name.toLowerCase().endsWith(".vael");
    count.element.hidden = button.hidden = isCoded;
    if (isCoded) ask(`/decompress?${new URLSearchParams({ filename: name })}`, { method: "POST", body: file });
    else ask(`/compress?${new URLSearchParams({ filename: name, count: String(count.value) })}`, { method: "POST", body: file ?? undefined });
  };
  const images = source(bench, { own, accept: "image/*,.zip,.npy,.vael", invite: "or drop an image, a zip of images or a .npy anywhere; a .vael file is read back",
    onChange: (file) => { count.element.hidden = button.hidden = false; if (file) go(); else { form.say(""); fill(result.place, hint()); } }, onError: (error) => form.say(error.message) });
  const asked = Number(query.get("count")), most = Math.min(MOST, offer.count);
  const count = amount("Images, at most", { min: 1, max: MOST, step: 1, value: asked >= 1 && asked <= MOST ? asked : Math.min(USUAL, most) }, (value) => setQuery({ count: value === USUAL ? null : String(value) }));
  const button = h("button", { type: "button", class: "primary", onclick: go }, "Compress");
  form.fill(images.element, count.element, button);
  root.append(form.element, result.element);
  fill(result.place, hint());

  function hint() {
    return h("section", { class: "card empty" }, h("p", null, `Without loss: about as many bits as the run's negative ELBO says. Compress the ${own}, or drop images or a .vael file.`));
  }

  /** What coding came to. @param {any} found */
  function written(found) {
    const bits = 8 * found.bytes, name = `${images.file?.name.replace(/\.[^.]*$/, "") || `${run}-${offer.split}`}.vael`;
    const part = ([key, [title, colour]]) => ({ title, colour, bytes: found[key] / 8, share: found[key] / bits });
    const parts = Object.entries(PARTS).map(part);
    const bar = (share, ...inside) => h("div", { class: "bar", style: { width: `${Math.max(0.5, 100 * share)}%` } }, inside);
    const longest = Math.max(found.bytes, found.num_dims);
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, `${whole(found.count)} ${found.count === 1 ? "image" : "images"} in ${whole(found.bytes)} bytes`),
      h("button", { type: "button", onclick: () => save(new Blob([bytesOf(found.content)]), name) }, icon(ICONS.save), "Save the .vael file")),
      h("div", { class: "figures-row" }, figure("Bits per dimension", number(found.bits_per_dim, 4)), figure("Of 8 bits each", `${number(100 * found.bytes / found.num_dims, 1)} %`)),
      h("div", { class: "lengths" }, h("span", { class: "small muted" }, "8 bits each"), bar(found.num_dims / longest, h("i", { style: { width: "100%", background: "var(--faint)" } })), h("span", { class: "small number" }, whole(found.num_dims)),
        h("span", { class: "small muted" }, "This file"), bar(found.bytes / longest, parts.map(({ share, colour }) => h("i", { style: { width: `${100 * share}%`, background: `var(--${colour})` } }))), h("span", { class: "small number" }, whole(found.bytes))),
      h("div", { class: "legend small" }, parts.map(({ title, colour, bytes }) => h("span", null, h("i", { style: { background: `var(--${colour})` } }), `${title}: ${whole(bytes)} bytes`))),
      h("p", { class: "small muted" }, `Decoded again and compared: the same.${found.count < found.available ? ` ${whole(found.available)} images are there.` : ""}`));
  }

  /** What was read back. @param {any} found */
  function read(found) {
    const drawn = canvases(found.pictures, (i) => found.names[i] ?? `Image ${i + 1}`), name = `${images.file?.name.replace(/\.vael$/i, "") || "images"}.zip`;
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, `${whole(found.count)} ${found.count === 1 ? "image" : "images"}, the same pixels`),
      h("button", { type: "button", onclick: () => save(new Blob([bytesOf(found.content)]), name) }, icon(ICONS.save), "Save as PNG files (.zip)")),
      h("div", { class: "tiles" }, drawn), found.count > drawn.length && h("p", { class: "small muted" }, `The first ${drawn.length} are shown.`));
  }
}

/** @param {string} title @param {string} value */
const figure = (title, value) => h("div", null, h("span", { class: "small muted" }, title), h("b", null, value));

/** @param {string} base64 */
const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
