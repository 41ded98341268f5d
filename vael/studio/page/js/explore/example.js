// One example: what it is, what the model makes of it, its numbers, and who lives nearby.

import { ofRun, unpack } from "../api.js";
import { fill, h } from "../dom.js";
import { number } from "../format.js";
import { makeScreen, short } from "./screen.js";

/**
 * @param {HTMLElement} place
 * @param {{ run: string, observation: any, split: string, found: any, hasRate: boolean,
 *   onNeighbour: (example: number) => void, onEnd: (which: "start" | "end", z: number[]) => void }} options
 */
export function showExample(place, { run, observation, split, found, hasRate, onNeighbour, onEnd }) {
  const x = unpack(found.x)?.data, mean = unpack(found.mean)?.data;
  const label = found.label === null || found.label === undefined ? "" : ` · ${found.label}`;
  const numbers = [
    ["rate", found.rate_nats], ["distortion", found.distortion_nats], ["score", found.score_nats],
  ].filter(([name]) => hasRate || name !== "rate").map(([name, value]) => [h("dt", null, name), h("dd", { class: "number" }, number(value))]);
  const strange = found.percentile === null ? null
    : h("p", { class: "small muted" }, `Its score is larger than that of ${number(found.percentile, 1)} % of the ${split} examples.`);
  const terms = h("dl", { class: "pairs small" }, h("dt", null), h("dd", { class: "number muted" }, "nats"), numbers);
  fill(place,
    h("h3", null, `${split} ${found.example}${label}`),
    observation.is_image ? h("div", { class: "pair" }, picture(observation, x, "example"), picture(observation, mean, "reconstruction"), terms)
      : [terms, columns(observation.columns, x, mean)],
    strange,
    h("div", { class: "row" }, h("button", { onclick: () => onEnd("start", found.z) }, "Walk from here"),
      h("button", { onclick: () => onEnd("end", found.z) }, "Walk to here")),
    h("h3", null, "Nearest in latent space"),
    h("div", { class: "neighbours" }, found.neighbours.map((neighbour) => h("button", { class: "quiet", onclick: () => onNeighbour(neighbour.example),
      title: `${split} ${neighbour.example}${neighbour.label === null ? "" : `, ${neighbour.label}`}: at a distance of ${number(neighbour.distance)}` },
      observation.is_image && h("img", { class: "pixels", alt: "", src: ofRun(run, `/examples/${neighbour.example}.png`), loading: "lazy" }),
      h("span", { class: "small" }, neighbour.label ?? `${neighbour.example}`), h("span", { class: "small muted number" }, number(neighbour.distance))))));
}

/** One of the two pictures. */
function picture(observation, pixels, title) {
  const screen = makeScreen(observation, { label: `The ${title}` });
  screen.show(pixels);
  return h("figure", null, screen.element, h("figcaption", { class: "small muted" }, title));
}

/** A row and its reconstruction, column by column. */
function columns(names, x, mean) {
  const rows = names.map((name, i) => h("tr", null, h("th", { scope: "row", title: name }, name), h("td", { class: "number" }, short(x[i])),
    h("td", { class: "number" }, short(mean[i]))));
  const head = ["column", "example", "reconstruction"].map((title, i) => h("th", { scope: "col", class: i ? "number" : null }, title));
  return h("div", { class: "columns" }, h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows)));
}
