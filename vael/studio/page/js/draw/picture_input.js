// Draw, drop, open or choose an image.

import { ofRun } from "../api.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { asking, checkSize, exampleField, fileButton } from "./fields.js";
import { Ink } from "./ink.js";
import { sending } from "./sending.js";

const INVERT = 1, CENTER = 2; // bits of a drawing's first byte, see routes/latent.py
const PEN = 0.4; // of the slider: 2 of 28 pixels

/** @typedef {{ run: string, split: string, count: number, tell: (found: any) => void, wait: (is: boolean) => void, signal: AbortSignal }} Desk */
/** @typedef {{ kind: "ink" } | { kind: "file", file: File } | { kind: "example", example: number }} Source what is looked at */

/** @param {Desk} desk @param {[number, number, number]} shape channels, height, width */
export function pictureInput(desk, [channels, height, width]) {
  const { run, signal, tell, wait } = desk, isGrey = channels === 1;
  const wrong = h("p", { class: "error-text", role: "alert" });
  const say = (text) => { fill(wrong, text); };
  /** @type {Source} */
  let source = { kind: "ink" };

  const colours = isGrey ? { ground: "#000000", colour: "#ffffff" } : { ground: "#808080", colour: "#f0c8a0" };
  const ink = new Ink({ height, width, ...colours, pen: penOf(PEN, height, width), onChange: () => { refresh(); drawing.changed(); } });
  const isDrawn = () => source.kind === "ink" && !ink.isEmpty;
  const drawing = sending(run, {
    signal,
    wait,
    picture: () => (isDrawn() ? ink.toBlob() : null),
    flags: () => (options.invert.checked ? INVERT : 0) | (options.center.checked ? CENTER : 0),
    onAnswer: (found) => {
      if (!isDrawn() && !found.final) return;
      say(found.detail ?? "");
      if (!found.detail) tell(found);
    },
  });
  const { ask, forget } = asking(desk, { onFound: (found) => { say(""); tell(found); }, onError: (error) => say(error.message) });
  const send = () => {
    if (source.kind !== "file") return;
    const query = new URLSearchParams({ filename: source.file.name || "the image", invert: String(options.invert.checked), center: String(options.center.checked) });
    ask(`/inspect?${query}`, { method: "POST", body: source.file });
  };
  const take = (file) => {
    try { checkSize(file); } catch (error) { say(error.message); return; }
    look({ kind: "file", file }, URL.createObjectURL(file), file.name || "Pasted image");
    send();
  };
  const example = (number) => {
    look({ kind: "example", example: number }, ofRun(run, `/examples/${number}.png`), `${desk.split} example ${number}`);
    ask(`/examples/${number}`, {});
  };

  /** Look at something else than the drawing. @param {Source} what @param {string} address of its picture @param {string} words */
  const look = (what, address, words) => {
    source = what;
    shown.look(address, words);
    field.set(what.kind === "example" ? what.example : null);
    say("");
    refresh();
  };
  const toInk = () => {
    forget();
    if (source.kind === "file") options.invert.checked = false; // a drawing has the data's own ground
    source = { kind: "ink" };
    shown.look(null, "");
    field.set(null);
    tell(null);
    refresh();
    drawing.changed();
  };
  const options = ticks({ isGrey, isMnist: isGrey && height === 28 && width === 28, onChange: () => { drawing.changed(); send(); } });
  const field = exampleField(desk, example), shown = whatIsShown(toInk), tools = penTools(ink, { isGrey, height, width });
  const hint = h("p", { class: "hint" }, "Draw here, or drop an image");

  /** Bring the buttons in line with what there is. */
  const refresh = () => {
    const isInk = source.kind === "ink";
    hint.hidden = !isInk || !ink.isEmpty;
    if (isInk && ink.isEmpty) { say(""); tell(null); }
    tools.enable(isInk);
    options.invert.disabled = options.center.disabled = source.kind === "example";
  };
  window.addEventListener("keydown", (event) => {
    const isUndo = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!isUndo || source.kind !== "ink" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    ink.undo();
  }, { signal });

  const easel = h("div", { class: "easel", style: { aspectRatio: `${width} / ${height}` } }, ink.canvas, hint, shown.picture, h("div", { class: "drop" }, "Drop the image"));
  const element = h("section", { class: "card input" }, shown.banner, easel, wrong,
    h("div", { class: "tools" }, tools.element, options.element, h("div", { class: "row" }, fileButton("Open an image", "image/*", take)), field.element));
  refresh();
  if (isGrey) followGround(ofRun(run, "/examples/0.png"), () => { ink.setColours("#ffffff", "#000000"); easel.classList.add("light"); });
  return { element, take, example, begin: () => {} };
}

/** How thick the pen is, in the data's pixels. @param {number} share 0 … 1 @param {number} height @param {number} width */
const penOf = (share, height, width) => Math.max(height, width) / 28 * (0.9 + share * share * 6.9);

/** The buttons of the pen. @param {Ink} ink @param {{ isGrey: boolean, height: number, width: number }} data */
function penTools(ink, { isGrey, height, width }) {
  const clear = /** @type {HTMLButtonElement} */ (h("button", { type: "button", onclick: () => ink.clear() }, icon(ICONS.trash), "Clear"));
  const undo = /** @type {HTMLButtonElement} */ (h("button", { type: "button", onclick: () => ink.undo() }, icon(ICONS.reset), "Undo"));
  const pen = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: PEN,
    oninput: (event) => { ink.pen = penOf(Number(event.currentTarget.value), height, width); } });
  const palette = isGrey ? [] : [h("input", { type: "color", value: ink.colour, "aria-label": "Colour", title: "Colour",
    oninput: (event) => { ink.colour = event.currentTarget.value; } }), h("button", { type: "button", onclick: () => ink.cover() }, "Fill")];
  const element = h("div", { class: "row" }, clear, undo, palette, h("label", { class: "row small pen" }, "Pen", pen));
  const enable = (isInk) => { clear.disabled = undo.disabled = !isInk || ink.strokes.length === 0; };
  return { element, enable };
}

/** How an image is brought into the data's form. @param {{ isGrey: boolean, isMnist: boolean, onChange: () => void }} options */
function ticks({ isGrey, isMnist, onChange }) {
  const invert = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", onchange: onChange }));
  const center = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", checked: isMnist, onchange: onChange }));
  const element = h("div", { class: "row ticks" }, isGrey && h("label", { class: "row small", title: "Scaled into 20 of 28 pixels, the centre of mass in the middle" }, center, "Centre as MNIST does"),
    h("label", { class: "row small", title: "For photos of dark ink on light paper" }, invert, "Invert"));
  return { element, invert, center };
}

/** What lies on the easel instead of the drawing, and its name above. @param {() => void} onBack */
function whatIsShown(onBack) {
  const image = /** @type {HTMLImageElement} */ (h("img", { class: "pixels", alt: "" }));
  const picture = h("div", { class: "chosen", hidden: true }, image);
  const title = h("h2", { class: "grow name" }, "Your drawing"), back = h("button", { type: "button", hidden: true, onclick: onBack }, "Back to drawing");
  /** @param {string | null} address null goes back @param {string} words */
  const look = (address, words) => {
    if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
    if (address === null) image.removeAttribute("src");
    else image.src = address;
    picture.hidden = back.hidden = address === null;
    image.classList.toggle("pixels", !address?.startsWith("blob:"));
    fill(title, address === null ? "Your drawing" : words);
    title.title = words;
  };
  return { picture, banner: h("header", null, title, back), look };
}

/** Tell where the data are dark ink on a light ground, as the edge of an example shows. @param {string} address @param {() => void} onLight */
async function followGround(address, onLight) {
  const image = new Image();
  image.src = address;
  try { await image.decode(); } catch { return; }
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { width: image.width, height: 1 }));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(image, 0, 0);
  const edge = context.getImageData(0, 0, image.width, 1).data.filter((_, i) => i % 4 === 0);
  if (edge.reduce((sum, value) => sum + value, 0) / edge.length > 160) onLight();
}
