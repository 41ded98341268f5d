// The controls of a verb: fields with their names, where the examples come from, and an answer that takes a while.

import { checkSize, fileButton, takeFiles } from "../draw/fields.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { setQuery } from "../router.js";

const REST = 200; // milliseconds after the last change of a number

/** @param {string} label @param {...any} controls */
export const field = (label, ...controls) => h("label", { class: "control" }, h("span", { class: "small muted" }, label), controls);

/**
 * @param {string} label
 * @param {{ name: string, text?: string, misfit?: string | null }[]} options one with a misfit cannot be chosen
 * @param {string} value @param {(value: string) => void} onChange
 */
export function choice(label, options, value, onChange) {
  const known = options.some((option) => option.name === value && !option.misfit);
  const select = /** @type {HTMLSelectElement} */ (h("select", { onchange: () => onChange(select.value) },
    options.map(({ name, text, misfit }) => h("option", { value: name, disabled: Boolean(misfit), title: misfit ?? null }, text ?? name))));
  select.value = known ? value : options.find((option) => !option.misfit)?.name ?? "";
  return { element: field(label, select), get value() { return select.value; } };
}

/**
 * A number with a slider beside it; both show the same.
 * @param {string} label @param {{ min: number, max: number, step: number, value: number }} range @param {(value: number) => void} onChange
 */
export function amount(label, { min, max, step, value }, onChange) {
  let timer = 0;
  const limits = { min, max, step };
  const box = /** @type {HTMLInputElement} */ (h("input", { type: "number", ...limits, value, "aria-label": label, oninput: () => take(box, slider) }));
  const slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", ...limits, value, "aria-label": `${label}, slider`, tabindex: -1, oninput: () => take(slider, box) }));
  const take = (from, other) => {
    clearTimeout(timer);
    const isWrong = from.value.trim() === "" || from.validity.rangeUnderflow || from.validity.rangeOverflow || from.validity.badInput;
    box.setAttribute("aria-invalid", String(isWrong));
    if (isWrong) return;
    other.value = from.value;
    timer = setTimeout(() => onChange(Number(from.value)), REST);
  };
  return { element: h("div", { class: "control" }, h("span", { class: "small muted" }, label), h("div", { class: "amount" }, slider, box)), get value() { return Number(box.value); } };
}

/**
 * Where the examples come from: the run's own, or a file that is dropped, pasted or opened.
 * @param {import("../views/use.js").Bench} bench
 * @param {{ own: string, accept: string, invite: string, onChange: (file: File | null) => void, onError: (error: Error) => void }} options
 */
export function source({ drop, signal }, { own, accept, invite, onChange, onError }) {
  /** @type {File | null} */
  let file = null;
  const name = h("b", { class: "name" }, own), back = h("button", { type: "button", class: "small", hidden: true, onclick: () => take(null) }, `Back to the ${own}`);
  const take = (next) => {
    try { if (next) checkSize(next); } catch (error) { onError(error); return; }
    file = next;
    fill(name, file ? file.name || "Pasted image" : own);
    name.title = name.textContent ?? "";
    back.hidden = file === null;
    onChange(file);
  };
  takeFiles(drop, take, signal);
  const element = h("div", { class: "control source" }, h("span", { class: "small muted" }, "Examples"), name,
    h("div", { class: "row" }, fileButton("Open a file", accept, take), back), h("span", { class: "small muted" }, invite), h("div", { class: "drop" }, "Drop the file"));
  return { element, take, get file() { return file; } };
}

/**
 * Which examples are mended: their numbers, or one file.
 * @param {import("../views/use.js").Bench} bench
 * @param {{ most: number, few: number, accept: string, invite: string, onChange: () => void, onError: (error: Error) => void }} options
 *   `most` examples at once, and `few` of them at first
 */
export function subject(bench, { most, few, accept, invite, onChange, onError }) {
  const { offer, query } = bench, last = offer.count - 1;
  const first = Array.from({ length: Math.min(few, offer.count) }, (_, i) => i).join(" ");
  const read = () => numbers.value.split(/[\s,]+/).filter(Boolean).map(Number);
  const changed = () => {
    const found = read(), isWrong = found.length === 0 || found.length > most || found.some((number) => !Number.isInteger(number) || number < 0 || number > last);
    numbers.setAttribute("aria-invalid", String(isWrong));
    if (isWrong) { onError(new Error(most === 1 ? `Expected a number from 0 to ${last}.` : `Expected 1 to ${most} numbers from 0 to ${last}.`)); return; }
    setQuery({ examples: numbers.value.trim() === first ? null : read().join(" ") });
    onChange();
  };
  const random = () => {
    numbers.value = Array.from({ length: Math.min(few, offer.count) }, () => Math.floor(Math.random() * offer.count)).join(" ");
    if (from.file) from.take(null); else changed();
  };
  const title = most === 1 ? "Number of an example" : "Numbers of examples";
  const numbers = /** @type {HTMLInputElement} */ (h("input", { value: query.get("examples") ?? first, "aria-label": `${title} of the ${offer.split} split`, autocomplete: "off", inputmode: "numeric", onchange: () => changed() }));
  const from = source(bench, { own: `${offer.split} split`, accept, invite, onError, onChange: (file) => { row.hidden = file !== null; if (file) onChange(); else changed(); } });
  const label = labelField(offer.labels, () => { if (from.file) onChange(); });
  const row = h("div", { class: "numbers" }, numbers, h("button", { type: "button", onclick: random }, "Random"));
  from.element.querySelector(".name")?.after(row);
  /** What a question says of them. */
  const asked = async () => (from.file === null ? { examples: read() }
    : { file: await inBase64(from.file), filename: from.file.name || "the image", ...(label.value === null ? {} : { label: label.value }) });
  return { element: h("div", { class: "stack" }, from.element, label.element), asked, begin: changed, get file() { return from.file; } };
}

/** @param {Blob} file @returns {Promise<string>} */
export async function inBase64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let letters = "";
  for (let at = 0; at < bytes.length; at += 0x8000) letters += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(letters);
}

/** A button that draws anew; the seed stands in the address. @param {string} text @param {URLSearchParams} query @param {() => void} onChange */
export function again(text, query, onChange) {
  let seed = /^\d{1,9}$/.test(query.get("seed") ?? "") ? Number(query.get("seed")) : 0;
  const press = () => { seed += 1; setQuery({ seed: String(seed) }); onChange(); };
  return { element: h("button", { type: "button", onclick: press }, icon(ICONS.reset), text), get seed() { return seed; } };
}

/** What a conditional model must be told of a file. @param {string[]} labels @param {() => void} onChange */
export function labelField(labels, onChange) {
  if (!labels.length) return { element: null, value: null };
  return choice("A file shows", labels.map((name) => ({ name })), labels[0], onChange);
}

/** The card of the controls, and below them what was refused. @param {string} title */
export function controls(title) {
  const wrong = h("p", { class: "error-text", role: "alert" }), place = h("div", { class: "stack" });
  const element = h("section", { class: "card controls" }, h("header", null, h("h2", null, title)), place, wrong);
  return { element, fill: (/** @type {any[]} */ ...parts) => { fill(place, parts); }, say: (/** @type {string} */ text) => { fill(wrong, text); } };
}

/** Where the answer is shown, with a sign while it is awaited. @param {string} words what is being done */
export function answer(words) {
  const sign = h("div", { class: "working", hidden: true, role: "status" }, h("div", { class: "spinner" }), h("span", null, words));
  const place = h("div", { class: "stack" });
  return { element: h("div", { class: "answer" }, sign, place), place,
    wait: (/** @type {boolean} */ is) => { sign.hidden = !is; place.classList.toggle("old", is); } };
}
