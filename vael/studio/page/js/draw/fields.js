// What both inputs share: an example's number, files from everywhere, and questions of which the newest wins.

import { call, ofRun } from "../api.js";
import { h } from "../dom.js";
import { setQuery } from "../router.js";

const LARGEST = 32 * 2 ** 20; // bytes of a file, see guard.py

/**
 * Choose an example: by its number, or any.
 * @param {{ count: number, split: string }} data @param {(example: number) => void} choose
 * @returns {{ element: HTMLElement, set: (example: number | null) => void }} `set` shows the choice, in the address too
 */
export function exampleField({ count, split }, choose) {
  const number = /** @type {HTMLInputElement} */ (h("input", { type: "number", min: 0, max: count - 1, step: 1, placeholder: `0–${count - 1}`,
    "aria-label": `Number of an example of the ${split} split, 0 to ${count - 1}` }));
  const go = (event) => { event.preventDefault(); if (number.value !== "") choose(Number(number.value)); };
  const element = h("form", { class: "row example", onsubmit: go, novalidate: true }, h("span", { class: "small muted" }, "Example"), number,
    h("button", { type: "submit" }, "Use"), h("button", { type: "button", onclick: () => choose(Math.floor(Math.random() * count)) }, "Random"));
  const set = (example) => {
    number.value = example === null ? "" : String(example);
    setQuery({ example: example === null ? null : String(example) });
  };
  return { element, set };
}

/** A button that opens a file. @param {string} label @param {string} accept @param {(file: File) => void} take @returns {HTMLElement[]} */
export function fileButton(label, accept, take) {
  const field = /** @type {HTMLInputElement} */ (h("input", { type: "file", accept, class: "visually-hidden", "aria-label": label, tabindex: -1,
    onchange: () => { if (field.files?.[0]) take(field.files[0]); field.value = ""; } }));
  return [field, h("button", { type: "button", onclick: () => field.click() }, label)];
}

/** Refuse what the server would refuse, before it is sent. @param {File} file */
export function checkSize(file) {
  if (file.size > LARGEST) throw new Error(`${file.name} has ${Math.ceil(file.size / 2 ** 20)} MB, at most ${LARGEST / 2 ** 20} are taken: make it smaller.`);
}

/**
 * Take files that are dropped anywhere, or pasted.
 * @param {HTMLElement} root @param {(file: File) => void} take @param {AbortSignal} signal
 */
export function takeFiles(root, take, signal) {
  const listen = (event, listener) => window.addEventListener(event, listener, { signal });
  const holdsFiles = (event) => [...event.dataTransfer?.types ?? []].includes("Files");
  listen("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  listen("dragleave", (event) => { if (event.relatedTarget === null) root.classList.remove("dropping"); });
  listen("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    root.classList.remove("dropping");
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  listen("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) { event.preventDefault(); take(file); }
  });
}

/**
 * Ask about a run so that the newest question wins: what an older one finds is dropped.
 * @param {{ run: string, wait: (is: boolean) => void, signal: AbortSignal }} desk
 * @param {{ onFound: (found: any, ...rest: any[]) => void, onError: (error: Error) => void }} handlers `rest` is what `ask` was given
 */
export function asking({ run, wait, signal }, { onFound, onError }) {
  let newest = 0;
  const ask = async (path, options, ...rest) => {
    newest += 1;
    const number = newest, isNewest = () => number === newest && !signal.aborted;
    wait(true);
    try {
      const found = await call(ofRun(run, path), { ...options, signal });
      if (isNewest()) onFound(found, ...rest);
    } catch (error) {
      if (isNewest()) onError(/** @type {Error} */ (error));
    } finally {
      if (isNewest()) wait(false);
    }
  };
  return { ask, forget: () => { newest += 1; wait(false); } };
}
