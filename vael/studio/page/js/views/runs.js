// All runs: how far they are, what came out, and what can be done with them. Asked for again every two seconds.

import { actionsOf, remove } from "../actions.js";
import { call } from "../api.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { ago, number, whole } from "../format.js";
import { menuButton } from "../menu.js";
import { href, setQuery } from "../router.js";
import { copy, ofFolder, quote } from "../shell.js";
import { sparkline } from "../sparkline.js";
import { tell, toast } from "../toast.js";

/**
 * @typedef {{ name: string, state: string, data: string | null, epoch: number | null, epochs: number | null, step: number | null,
 *   total_steps: number | null, split: string | null, elbo_nats: number | null, rate_nats: number | null, distortion_nats: number | null,
 *   started: string | null, reason: string | null, sparkline: number[] }} Run
 */

const EVERY = 2000; // milliseconds between two looks at the folder
const MANY = 8; // more runs than this get a filter

/** How far a training is, 0 … 1. @param {Run} run */
const share = (run) => (run.total_steps ? (run.step ?? 0) / run.total_steps : (run.epoch ?? 0) / (run.epochs || 1));
/** @param {Run} run */
const moment = (run) => (run.started ? Date.parse(run.started.replace(/([+-]\d\d)(\d\d)$/, "$1:$2")) : null);

/** @type {Record<string, { title: string, unit?: string, by: ((run: Run) => any) | null, isText?: boolean }>} */
const COLUMNS = {
  name: { title: "Name", by: (run) => run.name, isText: true },
  state: { title: "State", by: (run) => run.state, isText: true },
  data: { title: "Data", by: (run) => run.data, isText: true },
  progress: { title: "Epochs", by: share },
  elbo: { title: "ELBO", unit: "nats", by: (run) => run.elbo_nats },
  rate: { title: "Rate", unit: "nats", by: (run) => run.rate_nats },
  distortion: { title: "Distortion", unit: "nats", by: (run) => run.distortion_nats },
  trend: { title: "Trend", by: null },
  started: { title: "Started", by: moment },
};
const NEWEST_FIRST = "-started";

/** Largest first with a minus in front; runs without a value come last either way. @param {Run[]} runs @param {string} sort */
function sorted(runs, sort) {
  const isDown = sort.startsWith("-"), by = COLUMNS[sort.replace("-", "")]?.by ?? moment;
  const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other, "en", { numeric: true, sensitivity: "base" }) : one - other);
  return [...runs].sort((one, other) => {
    const values = [by(one), by(other)], missing = values.map((value) => value === null || value === undefined);
    if (missing[0] || missing[1]) return Number(missing[0]) - Number(missing[1]) || compare(one.name, other.name);
    return (isDown ? -1 : 1) * compare(values[0], values[1]) || compare(one.name, other.name);
  });
}

/** @param {Run} run @param {string} words all of them must be in its name, data or state */
function fits(run, words) {
  const text = `${run.name} ${run.data ?? ""} ${run.state}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Write a text only where it changed, so that nothing flickers and a marked text stays marked. @param {HTMLElement} element @param {string} text */
function write(element, text, title = "") {
  if (element.textContent !== text) element.textContent = text;
  if (element.title !== title) element.title = title;
}

/** A row that stays the same element while its run goes on. @param {string} name @param {{ onChoose: (isChosen: boolean) => void, items: (run: Run) => any[] }} on */
function makeRow(name, { onChoose, items }) {
  const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", "aria-label": `Choose ${name}`, onchange: () => onChoose(box.checked) }));
  const label = h("span", { class: "run-name", title: name }, h("a", { href: href(name, "live") }, name));
  const reason = h("span", { class: "reason", hidden: true });
  const chip = h("span", { class: "chip" }), data = h("span"), started = h("span", { class: "muted" });
  const bar = h("i"), epochs = h("span", { class: "epochs" });
  const numbers = { elbo: h("span"), rate: h("span"), distortion: h("span") };
  const trend = h("td", { class: "trend", role: "cell" });
  const cell = (kind, ...content) => h("td", { class: kind, role: "cell" }, ...content);
  let run = /** @type {Run} */ ({}), drawn = "";
  const element = h("tr", { role: "row" }, cell("pick", h("label", null, box)), cell("name", label, reason), cell("state", chip), cell("data", data),
    cell("progress", epochs, h("div", { class: "progress", "aria-hidden": true }, bar)), cell("number elbo", numbers.elbo), cell("number rate", numbers.rate),
    cell("number distortion", numbers.distortion), trend, cell("started", started), cell("act", menuButton(`What to do with ${name}`, () => items(run))));
  return {
    element,
    /** @param {Run} next @param {string | null} busy what is under way @param {boolean} isChosen */
    update(next, busy, isChosen) {
      run = next;
      const isDamaged = run.state === "damaged";
      if (isDamaged !== (label.firstElementChild === null)) fill(label, isDamaged ? name : h("a", { href: href(name, "live") }, name));
      write(chip, busy ?? run.state, run.reason ?? "");
      const kind = `chip ${busy ? "running" : run.state}`;
      if (chip.className !== kind) chip.className = kind;
      if (reason.hidden !== !run.reason) reason.hidden = !run.reason;
      write(reason, run.reason ?? "", run.reason ?? "");
      write(data, run.data?.split("/").pop() || run.data || "–", run.data ?? "");
      write(epochs, run.epochs === null ? "–" : `${whole(run.epoch ?? 0)} / ${whole(run.epochs)}`);
      const width = `${Math.min(100, 100 * share(run)).toFixed(1)}%`;
      if (bar.style.width !== width) bar.style.width = width;
      element.classList.toggle("is-going", run.state === "running");
      for (const key of Object.keys(numbers)) write(numbers[key], number(run[`${key}_nats`]), run.split ? `on the ${run.split} split` : "");
      const values = run.sparkline.join();
      if (values !== drawn || !trend.firstChild) { drawn = values; fill(trend, run.sparkline.length ? sparkline(run.sparkline, "ELBO") : null); }
      write(started, ago(run.started), run.started ? new Date(moment(run) ?? 0).toLocaleString() : "");
      if (box.checked !== isChosen) box.checked = isChosen;
      element.classList.toggle("is-chosen", isChosen);
    },
  };
}

/** @param {string} folder */
function emptyState(folder) {
  const command = ["vael", "train", ...ofFolder(folder)].map(quote).join(" ");
  return h("div", { class: "empty card" }, h("h2", null, "No runs yet"),
    h("p", null, "Train a first model here, or in a terminal: it shows up by itself."),
    h("a", { class: "button primary", href: href(null, "train") }, icon(ICONS.plus), "New training"),
    h("div", { class: "row" }, h("code", null, command),
      h("button", { class: "quiet small", onclick: () => copy(command).then(() => toast("The command is copied"), tell) }, "Copy")));
}

/** @param {import("../main.js").Stage} stage */
export async function show({ root, query, signal }) {
  /** @type {Map<string, ReturnType<typeof makeRow>>} */
  const rows = new Map();
  const chosen = new Set(), busy = new Map();
  /** @type {Run[]} */
  let runs = [];
  let folder = "", sort = query.get("sort") ?? NEWEST_FIRST, timer = 0, isAsking = false;

  const count = h("span", { class: "muted count" }), trouble = h("p", { class: "error-text", role: "status" });
  const filter = /** @type {HTMLInputElement} */ (h("input", { type: "search", class: "filter", placeholder: "Filter by name, data, state", "aria-label": "Filter the runs",
    value: query.get("filter") ?? "", hidden: true, oninput: () => { setQuery({ filter: filter.value.trim() || null }); draw(); } }));
  const sortBox = /** @type {HTMLSelectElement} */ (h("select", { class: "sort-box", "aria-label": "Sort by", onchange: () => sortBy(sortBox.value) },
    Object.entries(COLUMNS).filter(([, column]) => column.by).map(([key, { title, isText }]) => h("option", { value: isText ? key : `-${key}` }, title))));
  const all = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox", "aria-label": "Choose all shown", onchange: () => {
    for (const run of shown()) { if (all.checked) chosen.add(run.name); else chosen.delete(run.name); }
    draw();
  } }));
  const heads = Object.entries(COLUMNS).map(([key, column]) => h("th", { class: `${key} ${column.unit || key === "elbo" ? "number" : ""}`, scope: "col", role: "columnheader", dataset: { key } },
    column.by ? h("button", { class: "quiet", type: "button", onclick: () => turn(key) }, column.title, column.unit && h("small", null, column.unit)) : column.title));
  const body = h("tbody", { role: "rowgroup" });
  const table = h("table", { class: "runs-table", role: "table", hidden: true }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
    h("th", { class: "pick", role: "columnheader" }, h("label", null, all)), heads, h("th", { class: "act", role: "columnheader" }, h("span", { class: "visually-hidden" }, "Actions")))), body);
  const elsewhere = h("div", null, h("div", { class: "empty" }, h("div", { class: "spinner", role: "progressbar", "aria-label": "Loading" })));
  const tray = h("section", { class: "tray", "aria-label": "Chosen runs", hidden: true });
  root.append(h("header", { class: "runs-head" }, h("h1", null, "Runs"), count, trouble, h("span", { class: "grow" }), filter, sortBox,
    h("a", { class: "button primary", href: href(null, "train") }, icon(ICONS.plus), "New training")), table, elsewhere, tray);

  const shown = () => sorted(runs, sort).filter((run) => fits(run, filter.value.trim()));
  /** @param {string} next */
  function sortBy(next) {
    sort = next;
    setQuery({ sort: sort === NEWEST_FIRST ? null : sort });
    draw();
  }
  /** @param {string} key */
  function turn(key) {
    const first = COLUMNS[key].isText ? key : `-${key}`, other = COLUMNS[key].isText ? `-${key}` : key;
    sortBy(sort === first ? other : first);
  }
  const then = {
    busy: (name, word) => { if (word) busy.set(name, word); else busy.delete(name); draw(); },
    done: () => { load(); },
  };

  function rowOf(name) {
    let row = rows.get(name);
    if (!row) {
      row = makeRow(name, {
        onChoose: (isChosen) => { if (isChosen) chosen.add(name); else chosen.delete(name); draw(); },
        items: (run) => actionsOf(run, then),
      });
      rows.set(name, row);
    }
    return row;
  }

  function draw() {
    const found = shown(), here = new Set(runs.map((run) => run.name));
    for (const name of [...rows.keys()]) if (!here.has(name)) { rows.get(name)?.element.remove(); rows.delete(name); chosen.delete(name); }
    const wanted = new Set(found.map((run) => run.name));
    for (const [name, row] of rows) if (!wanted.has(name)) row.element.remove();
    found.forEach((run, place) => {
      const row = rowOf(run.name);
      row.update(run, busy.get(run.name) ?? null, chosen.has(run.name));
      if (body.children[place] !== row.element) body.insertBefore(row.element, body.children[place] ?? null);
    });
    for (const head of heads) {
      const isUp = head.dataset.key === sort, isDown = `-${head.dataset.key}` === sort;
      if (isUp || isDown) head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
    sortBox.value = sort;
    const going = runs.filter((run) => run.state === "running").length;
    write(count, runs.length ? `${found.length < runs.length ? `${found.length} of ` : ""}${runs.length}${going ? `, ${going} running` : ""}` : "");
    filter.hidden = runs.length <= MANY && !filter.value;
    sortBox.classList.toggle("is-idle", runs.length < 2);
    table.hidden = found.length === 0;
    all.checked = found.length > 0 && found.every((run) => chosen.has(run.name));
    all.indeterminate = !all.checked && found.some((run) => chosen.has(run.name));
    drawElsewhere(found.length);
    drawTray();
  }

  /** @param {number} numShown */
  function drawElsewhere(numShown) {
    const kind = runs.length === 0 ? `empty ${folder}` : numShown === 0 ? `none ${filter.value}` : "";
    if (elsewhere.dataset.kind === kind) return;
    elsewhere.dataset.kind = kind;
    const clear = () => { filter.value = ""; setQuery({ filter: null }); draw(); filter.focus(); };
    fill(elsewhere, runs.length === 0 ? emptyState(folder) : numShown === 0
      && h("div", { class: "empty" }, h("p", null, `No run fits “${filter.value.trim()}”.`), h("button", { onclick: clear }, "Show all runs")));
  }

  function drawTray() {
    const names = [...chosen], able = runs.filter((run) => chosen.has(run.name) && run.state !== "damaged").map((run) => run.name);
    const key = JSON.stringify([names, able]);
    tray.hidden = names.length === 0;
    root.classList.toggle("has-tray", names.length > 0);
    if (tray.dataset.key === key) return;
    tray.dataset.key = key;
    const search = new URLSearchParams(able.map((name) => ["run", name]));
    fill(tray, able.length > 0 && h("a", { class: "button primary", href: `#/compare?${search}` }, able.length > 1 ? `Compare ${able.length} runs` : "Compare with…"),
      h("button", { class: "danger", onclick: () => remove(names, then) }, names.length > 1 ? `Delete ${names.length}…` : "Delete…"),
      h("button", { class: "quiet icon", "aria-label": "Choose none", title: "Choose none", onclick: () => { chosen.clear(); draw(); } }, "×"));
  }

  async function load() {
    if (isAsking) return;
    isAsking = true;
    try {
      const answer = await call("/api/runs", { signal });
      if (signal.aborted) return;
      ({ runs, folder } = answer);
      for (const [name, word] of busy) if (word === "stopping" && runs.find((run) => run.name === name)?.state !== "running") busy.delete(name);
      write(trouble, "");
      draw();
    } catch (error) {
      if (!signal.aborted) write(trouble, error.message);
    } finally { isAsking = false; }
  }
  async function poll() {
    clearTimeout(timer);
    if (!document.hidden) await load();
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(poll, EVERY);
  }
  document.addEventListener("visibilitychange", poll, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  await poll();
}
