// Detect: how strange each example is, which of them are called anomalies, and which cells are to blame.

import { unpack } from "../api.js";
import { asking } from "../draw/fields.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { number, short, whole } from "../format.js";
import { save } from "../pictures.js";
import { href, setQuery } from "../router.js";
import { amount, answer, choice, controls, labelField, source } from "./form.js";
import { histogram } from "./histogram.js";
import { canvases, rowsOf } from "./pictures.js";

const USUAL = 1; // per cent of false alarms
const IMAGES = "image/*,.zip,.npy", ROWS = ".csv,.npy";

/** @param {import("../views/use.js").Bench} bench */
export function show(bench) {
  const { root, run, detail, offer, query, signal } = bench, isImage = detail.observation.is_image;
  const least = Math.ceil(1000 / (offer.normal_examples + 1)) / 10; // fewer cannot be resolved by so many normal examples
  const form = controls("Find what does not belong"), result = answer("Scoring every example …");
  const { ask } = asking({ run, wait: result.wait, signal }, {
    onFound: (found) => { form.say(""); draw(found); },
    onError: (error) => { form.say(error.message); fill(result.place); },
  });
  const go = () => {
    const options = { score: score.value, false_alarms: String(alarms.value / 100), filename: examples.file?.name || "the upload" };
    setQuery({ score: score.value === offer.default_score ? null : score.value, alarms: alarms.value === Math.max(USUAL, least) ? null : String(alarms.value) });
    explain();
    ask(`/detect?${new URLSearchParams({ ...options, ...(label.value === null ? {} : { label: label.value }) })}`, { method: "POST", body: examples.file ?? undefined });
  };
  const own = `${offer.split} split`, nameOfFile = () => examples.file?.name || "the file";
  const examples = source(bench, { own, accept: isImage ? IMAGES : ROWS, onChange: go, onError: (error) => form.say(error.message),
    invite: isImage ? "or drop an image, a zip of images or a .npy anywhere" : "or drop a .csv or .npy anywhere" });
  const score = choice("Score", offer.scores, query.get("score") ?? offer.default_score, go);
  const about = h("p", { class: "small muted" });
  const explain = () => { fill(about, `In nats: ${offer.scores.find(({ name }) => name === score.value)?.summary}.`); };
  const asked = Number(query.get("alarms"));
  const alarms = amount("False alarms, % of normal examples", { min: Math.min(least, 0.1), max: 50, step: 0.1, value: asked > 0 && asked < 100 ? asked : Math.max(USUAL, least) }, go);
  const label = labelField(offer.labels, go);
  form.fill(examples.element, label.element, score.element, about, alarms.element);
  const chart = histogram(signal);
  root.append(form.element, result.element);

  /** @param {any} found */
  function draw(found) {
    const file = () => save(new Blob([toCsv(found)], { type: "text/csv" }), `${run}-scores.csv`);
    const head = h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, `${whole(found.anomalies)} of ${whole(found.count)} examples ${found.anomalies === 1 ? "is an anomaly" : "are anomalies"}`),
      h("button", { type: "button", onclick: file }, icon(ICONS.save), "scores.csv")),
      h("p", { class: "muted" }, `${found.score} above ${number(found.threshold_nats)} nats, which ${number(100 * found.false_alarms, 1)} % of normal examples exceed, judged by ${whole(unpack(found.calibration.score_nats).data.length)} of the ${found.calibration.split} split.`),
      chart.element);
    fill(result.place, head, strangest(found));
    chart.show(found, found.is_own ? own : nameOfFile());
  }

  /** @param {any} found */
  function strangest(found) {
    const count = found.strangest.length;
    return h("section", { class: "card strangest" }, h("header", null, h("h2", { class: "grow" }, count === 1 ? "The example" : `The ${count} strangest of ${found.is_own ? `the ${own}` : nameOfFile()}`),
      found.no_blame === null && h("span", { class: "small muted" }, isImage ? "what came · what was expected · nats of each pixel" : "the stronger a colour, the more nats the cell costs")),
      found.no_blame !== null && h("p", { class: "muted" }, found.no_blame), isImage ? pictures(found) : rows(found));
  }

  /** @param {any} found */
  function pictures(found) {
    const parts = [["came", found.x], ["expected", found.expected], ["nats", found.heat]].filter(([, packed]) => packed !== null)
      .map(([name, packed]) => canvases(packed, (i) => `Example ${found.strangest[i].example}: ${name}`));
    return h("div", { class: "blamed" }, found.strangest.map((each, i) => h("figure", { class: each.is_anomaly ? "is-anomaly" : null },
      h("div", { class: "triple" }, parts.map((part) => part[i])), h("figcaption", { class: "small" }, named(each, found.is_own), scored(each)))));
  }

  /** @param {any} found */
  function rows(found) {
    const x = rowsOf(found.x), expected = found.expected && rowsOf(found.expected), heat = found.heat && rowsOf(found.heat), nats = found.nats && rowsOf(found.nats);
    const cell = (i, j) => h("td", { class: "number", style: heat ? { backgroundColor: `color-mix(in srgb, var(--warning) ${Math.round(70 * heat[i][j])}%, transparent)` } : {},
      title: nats ? `expected ${short(expected[i][j])}, costs ${number(nats[i][j])} nats` : null }, short(x[i][j]));
    const head = ["Example", "Score", "p", ...detail.observation.columns].map((name, i) => h("th", { scope: "col", class: i ? "number" : null, title: name }, name));
    return h("div", { class: "scroll-x" }, h("table", { class: "blamed-rows" }, h("thead", null, h("tr", null, head)), h("tbody", null, found.strangest.map((each, i) =>
      h("tr", { class: each.is_anomaly ? "is-anomaly" : null }, h("td", null, named(each, found.is_own)), h("td", { class: "number" }, number(each.score_nats)),
        h("td", { class: "number" }, pValue(each.p_value)), x[i].map((_, j) => cell(i, j)))))));
  }

  /** Its number, which leads to the example where it is the run's own. @param {any} each @param {boolean} isOwn */
  function named(each, isOwn) {
    const words = `#${each.example}${each.label === null ? "" : ` · ${each.label}`}`;
    return isOwn ? h("a", { href: href(run, "explore", { example: String(each.example) }) }, words) : h("span", null, words);
  }
  go();
}

/** @param {number} value */
const pValue = (value) => (value < 0.001 ? value.toExponential(0).replace("-", "−") : number(value, 3));
/** @param {any} each */
const scored = (each) => h("span", { class: "muted" }, `${number(each.score_nats, 1)} nats · p ${pValue(each.p_value)}`);

/** All scores, as `vael detect --output` writes them. @param {any} found */
function toCsv(found) {
  const [scores, pValues, anomalies] = [found.score_nats, found.p_values, found.is_anomaly].map((packed) => unpack(packed).data);
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = Array.from(scores, (score, i) => [i, score, pValues[i], anomalies[i] ? "True" : "False", ...(found.labels ? [quoted(found.labels[i])] : [])].join(","));
  return `example,score_nats,p_value,is_anomaly${found.labels ? ",label" : ""}\n${lines.join("\n")}\n`;
}
