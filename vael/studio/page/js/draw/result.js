// What the model says of one x: both pictures, both terms of the bound, how usual it is, and what lies near.

import { ofRun, unpack } from "../api.js";
import { fill, h } from "../dom.js";
import { number } from "../format.js";
import { paint } from "../pictures.js";
import { href } from "../router.js";

const NEIGHBOURS = 8;
const REST = 150; // milliseconds between two changes of the neighbours: each loads pictures

/** @typedef {{ element: HTMLElement, show: (found: any) => void }} Part `show(null)` goes back to nothing */

/** What the model sees and what it makes of it. @param {[number, number]} size height and width @returns {Part} */
export function pair([height, width]) {
  const place = (title) => {
    const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "pixels", width, height, role: "img", "aria-label": title, hidden: true }));
    const frame = h("div", { class: "frame", style: { aspectRatio: `${width} / ${height}` } }, canvas);
    return { canvas, element: h("figure", null, frame, h("figcaption", { class: "small muted" }, title)) };
  };
  const x = place("What the model sees, x"), mean = place("Reconstruction");
  const show = (found) => {
    for (const [{ canvas }, packed] of /** @type {[any, any][]} */ ([[x, found?.x], [mean, found?.mean]])) {
      canvas.hidden = !packed;
      if (packed) paint(canvas, unpack(packed).data, height, width);
    }
  };
  return { element: h("div", { class: "pair" }, x.element, mean.element), show };
}

/** Its heading, with a sign where an answer takes long. @returns {{ element: HTMLElement, wait: (is: boolean) => void }} */
export function heading() {
  const sign = h("div", { class: "spinner late", role: "progressbar", "aria-label": "The model is at work", hidden: true });
  return { element: h("header", null, h("h2", { class: "grow" }, "What the model makes of it"), sign), wait: (is) => { sign.hidden = !is; } };
}

/** A term of the bound; thousands without decimals, so that it keeps its line. @param {number} value */
const nats = (value) => number(value, Math.abs(value) < 1000 ? 2 : 0);

/** Rate, distortion and score in nats, and the score's place among the data's. @param {{ hasRate: boolean, split: string }} options @returns {Part} */
export function numbers({ hasRate, split }) {
  const values = Object.fromEntries(["rate", "distortion", "score"].map((name) => [name, h("b", null, "–")]));
  const mark = h("i", { hidden: true }), gauge = h("div", { class: "gauge", "aria-hidden": "true" }, mark);
  const words = h("p", { class: "words" }, "\u00a0");
  const score = hasRate ? "Score" : "Score = distortion";
  const titles = { rate: "KL(q(z | x) ‖ p(z))", distortion: "−log p(x | z) at the posterior's mean", score: "Rate + distortion: smaller is better explained" };
  const cell = (name, label) => h("div", { title: titles[name] }, h("span", { class: "small muted" }, label), values[name], h("span", { class: "small muted" }, "nats"));
  const element = h("div", { class: "numbers" }, h("div", { class: "terms" }, cell("rate", "Rate"), cell("distortion", "Distortion"), cell("score", score)),
    gauge, words, !hasRate && h("p", { class: "small muted" }, "A plain autoencoder has no rate, so its score is the distortion alone."));
  const show = (found) => {
    values.rate.textContent = found && hasRate ? nats(found.rate_nats) : "–";
    values.distortion.textContent = found ? nats(found.distortion_nats) : "–";
    values.score.textContent = found ? nats(found.score_nats) : "–";
    const share = found?.percentile ?? null;
    mark.hidden = share === null;
    mark.style.left = `${share ?? 0}%`;
    mark.classList.toggle("strange", share !== null && share >= 99);
    fill(words, share === null ? "\u00a0" : `stranger than ${number(share, 1)} % of the ${split} examples`);
  };
  return { element, show };
}

/** The examples whose latents lie nearest. @param {string} run @param {{ isImage: boolean, size: [number, number], split: string }} options @returns {Part} */
export function neighbours(run, { isImage, size, split }) {
  const places = Array.from({ length: NEIGHBOURS }, () => {
    const image = /** @type {HTMLImageElement} */ (h("img", { class: "pixels", alt: "", hidden: true }));
    const label = h("span"), distance = h("span", { class: "muted" }, "\u00a0");
    const frame = isImage && h("span", { class: "frame", style: { aspectRatio: `${size[1]} / ${size[0]}` } }, image);
    return { image, label, distance, link: h("a", null, frame, h("span", { class: "small caption" }, label, distance)) };
  });
  const element = h("section", { class: "card near" }, h("header", null, h("h2", { class: "grow" }, "Nearest examples"),
    h("span", { class: "small muted" }, "latent distance")), h("div", { class: isImage ? "pictures" : "list" }, places.map((place) => place.link)));
  let latest = null, timer = 0;

  const update = () => {
    timer = 0;
    places.forEach(({ image, label, distance, link }, i) => {
      const found = latest?.neighbours[i];
      image.hidden = !found;
      fill(label, found ? (found.label ?? `#${found.example}`) : "");
      fill(distance, found ? number(found.distance) : "\u00a0");
      if (!found) { link.removeAttribute("href"); link.removeAttribute("aria-label"); link.removeAttribute("title"); return; }
      const name = `Example ${found.example} of the ${split} split${found.label ? `, label ${found.label}` : ""}`;
      link.setAttribute("href", href(run, "explore", { example: String(found.example) }));
      link.setAttribute("title", name);
      link.setAttribute("aria-label", `${name}, distance ${number(found.distance)}`);
      const address = ofRun(run, `/examples/${found.example}.png`);
      if (isImage && image.getAttribute("src") !== address) image.src = address;
    });
  };
  const show = (found) => {
    latest = found;
    if (found === null) { clearTimeout(timer); update(); }
    else timer ||= setTimeout(update, REST);
  };
  return { element, show };
}
