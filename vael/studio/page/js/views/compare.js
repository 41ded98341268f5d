// Runs side by side: their curves, their results, and what was set differently.

import { call, ofRun } from "../api.js";
import { charts, CONFIG, layout } from "../charts.js";
import { fill, h } from "../dom.js";
import { Draft } from "../draft.js";
import { duration, number, whole } from "../format.js";
import { href } from "../router.js";
import { colour, pageColour } from "../theme.js";
import { tell } from "../toast.js";

/** @typedef {{ name: string, slot: number, detail?: any, records?: any[], error?: string }} Shown `slot` is the number of its colour */

const EVERY = 3000; // milliseconds between two looks while one of the runs is being trained
const TERMS = [["elbo_nats", "ELBO"], ["rate_nats", "Rate"], ["distortion_nats", "Distortion"]];

/** @param {any} detail @param {string} key */
const result = (detail, key) => (detail.info.results ?? detail.summary)[key];
/** @param {any} detail @param {string} key a bound with its standard error, where that is known */
const bound = (detail, key) => {
  const error = detail.info.results?.[`${key}_se`];
  return number(result(detail, key)) + (Number.isFinite(error) ? ` ± ${number(error)}` : "");
};

/**
 * The rows of the table; `best` says which direction is better, where one is: rate and distortion are traded for each other.
 * @type {{ title: string, text: (detail: any) => string, value?: (detail: any) => number | null, best?: 1 | -1 }[]}
 */
const ROWS = [
  { title: "ELBO, nats (larger is better)", text: (detail) => bound(detail, "elbo_nats"), value: (detail) => result(detail, "elbo_nats"), best: 1 },
  { title: "Rate, nats", text: (detail) => bound(detail, "rate_nats") },
  { title: "Distortion, nats", text: (detail) => bound(detail, "distortion_nats") },
  { title: "−log p(x), importance-weighted bound, nats", text: (detail) => bound(detail, "nll_nats"), value: (detail) => result(detail, "nll_nats"), best: -1 },
  { title: "Bits per dimension", text: (detail) => number(result(detail, "bits_per_dim"), 4), value: (detail) => result(detail, "bits_per_dim"), best: -1 },
  { title: "Active units", text: ({ info, latent_dim: dim }) => (info.results?.active_units === undefined || info.results.active_units === null ? "–" : `${info.results.active_units} of ${dim}`) },
  { title: "Split", text: (detail) => result(detail, "split") ?? "–" },
  { title: "Epochs", text: ({ summary }) => (summary.epochs === null ? "–" : `${whole(summary.epoch)} / ${whole(summary.epochs)}`) },
  { title: "Parameters", text: ({ info }) => whole(info.num_parameters) },
  { title: "Time of training", text: ({ info }) => duration(info.training_seconds) },
];

/** What must agree for two bounds to compare, in words. @type {Record<string, (detail: any) => any>} */
const AGREE = {
  data: ({ info }) => info.data?.fingerprint,
  treatment: ({ settings }) => settings["data.treatment"],
  likelihood: ({ settings }) => settings["model.likelihood.name"],
  split: (detail) => result(detail, "split"),
};

/** @param {Shown[]} shown @returns {string[]} what stands in the way of comparing */
const disagreements = (shown) => Object.keys(AGREE).filter((key) => new Set(shown.map(({ detail }) => AGREE[key](detail))).size > 1);

/** @param {import("../main.js").Stage} stage */
export async function show({ root, query, signal }) {
  /** @type {Shown[]} */
  let runs = [];
  let names = /** @type {string[]} */ ([]), timer = 0, turn = 0;

  const legend = h("ul", { class: "legend", "aria-label": "The runs compared" });
  const adder = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Add a run", onchange: () => { if (adder.value) add(adder.value); } }));
  const notes = h("div", { class: "stack notes" });
  const plots = TERMS.map(([key, title]) => ({ key, title, place: h("div", { class: "plot", role: "img", "aria-label": `${title} over the epochs` }) }));
  const results = h("div", { class: "scroll-x" }), settings = h("div", { class: "scroll-x" });
  const nothing = h("div", { class: "empty card", hidden: true }, h("h2", null, "No runs chosen"), h("p", null, "Choose runs in the list, or add one above."),
    h("a", { class: "button", href: "#/" }, "All runs"));
  const line = (dash) => h("i", { class: `line ${dash}`, "aria-hidden": true });
  const content = h("div", { class: "stack", hidden: true },
    h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, "Over the epochs"), h("span", { class: "small muted key" }, line("solid"), "held-out", line("dotted"), "training")),
      h("div", { class: "plots" }, plots.map(({ title, place }) => h("figure", null, h("figcaption", null, h("b", null, title), " ", h("span", { class: "muted" }, "nats")), place)))),
    h("section", { class: "card" }, h("header", null, h("h2", null, "Results")), results),
    h("section", { class: "card" }, h("header", null, h("h2", null, "Settings that differ")), settings));
  root.append(h("div", { class: "stack" }, h("header", { class: "compare-head" }, h("h1", null, "Compare runs"), legend, adder), notes, nothing, content));

  /** @param {string[]} wanted */
  async function take(wanted) {
    const mine = ++turn;
    const loaded = await Promise.all(wanted.map(load));
    if (signal.aborted || mine !== turn) return;
    runs = loaded;
    draw();
    clearTimeout(timer);
    if (runs.some(({ detail }) => detail?.summary.state === "running")) timer = setTimeout(() => (document.hidden ? take(wanted) : look()), EVERY);
  }
  const chosen = () => runs.map(({ name }) => name);
  const look = () => take(chosen());

  /** @param {string} name @returns {Promise<Shown>} */
  async function load(name) {
    const known = runs.find((run) => run.name === name), taken = new Set(runs.map(({ slot }) => slot));
    const slot = known?.slot ?? slotOf(name, taken);
    if (known?.detail && known.detail.summary.state !== "running") return known;
    if (!names.includes(name)) return { name, slot, error: "There is no such run here: it may have been renamed or deleted." };
    try {
      const [detail, records] = await Promise.all([call(ofRun(name), { signal }), call(ofRun(name, "/records"), { signal })]);
      return { name, slot, detail, records };
    } catch (error) { return { name, slot, error: error.message }; }
  }

  /** The colour that no other run has, the first free one. */
  const slots = new Map();
  function slotOf(name, taken) {
    if (slots.has(name) && !taken.has(slots.get(name))) return slots.get(name);
    const used = new Set([...taken, ...slots.values()]);
    let slot = 0;
    while (used.has(slot)) slot += 1;
    slots.set(name, slot);
    return slot;
  }

  /** @param {string[]} next */
  function write(next) {
    const search = new URLSearchParams(next.map((name) => ["run", name])).toString();
    history.replaceState(null, "", search ? `#/compare?${search}` : "#/compare");
    take(next);
  }
  const add = (name) => write([...chosen(), name]);
  const drop = (name) => { slots.delete(name); write(chosen().filter((other) => other !== name)); adder.focus(); };

  function draw() {
    const able = runs.filter(({ detail }) => detail);
    fill(legend, runs.map(({ name, slot, detail }) => h("li", { class: "legend-item" }, h("i", { class: "swatch", style: { background: detail ? colour(slot) : "var(--faint)" } }),
      detail ? h("a", { href: href(name, "live"), title: name }, name) : h("span", { class: "muted", title: name }, name),
      detail && detail.summary.state !== "finished" && h("span", { class: `chip ${detail.summary.state}` }, detail.summary.state),
      h("button", { class: "quiet icon", "aria-label": `Remove ${name}`, title: "Remove", onclick: () => drop(name) }, "×"))));
    const left = names.filter((name) => !chosen().includes(name));
    fill(adder, h("option", { value: "" }, left.length ? "Add a run…" : "No more runs"), left.map((name) => h("option", { value: name }, name)));
    adder.disabled = left.length === 0;
    const ways = able.length > 1 ? disagreements(able) : [];
    fill(notes, runs.filter(({ error }) => error).map(({ name, error }) => h("p", { class: "finding warning" }, h("b", null, `${name} is left out`), error)),
      ways.length > 0 && h("p", { class: "finding warning" }, h("b", null, "These bounds do not compare"),
        `The runs differ in ${new Intl.ListFormat("en").format(ways)}: a larger ELBO says nothing here, so none is marked as the best.`));
    notes.hidden = notes.childElementCount === 0;
    nothing.hidden = runs.length > 0;
    content.hidden = able.length === 0;
    if (able.length === 0) return;
    fill(results, tableOf(able, ROWS.map((row) => ({ title: row.title, cells: able.map(({ detail }) => row.text(detail)), best: ways.length ? [] : bestOf(able, row) }))
      .filter(({ cells }) => cells.some((cell) => cell !== "–")), "number"));
    const rows = differing(able, form);
    fill(settings, able.length < 2 ? h("p", { class: "muted" }, "Add a second run to see what differs.")
      : rows.length === 0 ? h("p", { class: "muted" }, "None: the runs have the same recipe.") : tableOf(able, rows, "mono"));
    drawCharts(able).catch(tell);
  }

  /** @param {Shown[]} able */
  async function drawCharts(able) {
    const Plotly = await charts();
    if (signal.aborted) return;
    for (const { key, place } of plots) {
      const traces = able.flatMap(({ name, slot, records = [] }) => [true, false].map((isTraining) => curve(name, slot, records, key, isTraining))).filter((trace) => trace.x.length > 0);
      const look = layout({ xaxis: { title: { text: "epoch", standoff: 8 }, spikecolor: pageColour("faint"), spikethickness: 1, spikedash: "solid" }, height: 280, plot_bgcolor: pageColour("background") });
      look.hoverlabel.namelength = 24;
      await Plotly.react(place, traces, look, CONFIG);
    }
  }

  window.addEventListener("theme", () => draw(), { signal });
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    for (const { place } of plots) /** @type {any} */ (window).Plotly?.purge(place);
  });
  const [listed, { form }] = await Promise.all([call("/api/runs", { signal }), call("/api/recipes", { signal })]);
  if (signal.aborted) return;
  names = listed.runs.map((run) => run.name).reverse();
  await take([...new Set(query.getAll("run"))]);
}

/** One curve: training records dotted, held-out ones solid. @returns {any} */
function curve(name, slot, records, key, isTraining) {
  const found = records.filter((record) => (record.split === "train") === isTraining && Number.isFinite(record[key]));
  return {
    x: found.map((record) => record.epoch), y: found.map((record) => record[key]), name: isTraining ? `${name}, training` : name,
    mode: found.length > 1 ? "lines" : "markers", line: { color: colour(slot), width: isTraining ? 1.2 : 2, dash: isTraining ? "dot" : "solid" },
    marker: { color: colour(slot), size: isTraining ? 5 : 7, symbol: isTraining ? "circle-open" : "circle" }, hovertemplate: "%{y:,.2f}",
  };
}

/** Which columns hold the best value of a row; a row without a better direction has none. @returns {number[]} */
function bestOf(able, { value, best }) {
  if (!value || !best || able.length < 2) return [];
  const values = able.map(({ detail }) => value(detail)), found = values.filter((each) => Number.isFinite(each));
  if (found.length < 2) return [];
  const top = Math.max(...found.map((each) => best * each));
  return values.flatMap((each, place) => (Number.isFinite(each) && best * each === top ? [place] : []));
}

/** The settings that are not the same in all runs; what a recipe leaves open counts as its default. @param {Shown[]} able @param {any} form */
function differing(able, form) {
  const columns = able.map(({ detail }) => {
    const draft = new Draft(form, detail.settings);
    return new Map(draft.fields().map((field) => [field.path, draft.value(field)]));
  });
  const paths = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const same = (text) => (text === undefined || text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text));
  return paths.filter((path) => new Set(columns.map((column) => same(column.get(path)))).size > 1)
    .map((path) => ({ title: path, cells: columns.map((column) => column.get(path) ?? "–"), best: [] }));
}

/** @param {Shown[]} able @param {{ title: string, cells: string[], best: number[] }[]} rows @param {string} kind of the cells */
function tableOf(able, rows, kind) {
  const head = able.map(({ name, slot }) => h("th", { scope: "col", class: kind, title: name }, h("span", { class: "column-name" }, h("i", { class: "swatch", style: { background: colour(slot) } }), h("span", null, name))));
  return h("table", { class: "compare-table" }, h("thead", null, h("tr", null, h("th", null, h("span", { class: "visually-hidden" }, "What")), head)),
    h("tbody", null, rows.map(({ title, cells, best }) => h("tr", null, h("th", { scope: "row", class: kind === "mono" ? "mono" : "" }, title),
      cells.map((cell, place) => h("td", { class: `${kind} ${best.includes(place) ? "is-best" : ""}` }, best.includes(place) && h("span", { class: "best" }, "best"), cell))))));
}
