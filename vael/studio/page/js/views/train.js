// A new training: a recipe, what one changes of it, the same as a command, and the button.

import { call, ofRun, Refused } from "../api.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { Draft } from "../draft.js";
import { href, setQuery } from "../router.js";
import { copy, ofFolder, quote } from "../shell.js";
import { tell, toast } from "../toast.js";

/** @typedef {import("../draft.js").Field} Field */

const FIRST = ["data.source", "model.latent_dim", "training.epochs", "training.batch_size", "training.learning_rate", "training.seed", "objective.beta"];
const WIDE = ["training.learning_rate"]; // may hold a schedule
const PATIENCE = 300; // milliseconds without a key before the server checks
const START = "digits"; // needs no data of one's own

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const idOf = (path) => `field-${path.replaceAll(".", "-")}`;
const pathOf = (folder, run) => `${folder.replace(/\/$/, "")}/${run}/recipe.toml`;

/** @param {import("../main.js").Stage} stage */
export async function show({ root, query, signal }) {
  const from = query.get("from");
  const [{ recipes, form }, datasets, { folder }, origin] = await Promise.all([call("/api/recipes", { signal }), call("/api/datasets", { signal }),
    call("/api/runs", { signal }), from === null ? null : call(ofRun(from), { signal })]);
  if (signal.aborted) return;
  const asked = query.get("recipe") ?? START;
  let start = origin ? { run: from, title: origin.settings.title, reference: origin.settings.reference, settings: origin.settings }
    : recipes.find((recipe) => recipe.name === asked) ?? recipes[0];
  let draft = new Draft(form, start.settings), timer = 0, checking = new AbortController(), isStarting = false;
  draft.apply(readSettings(query.get("set")));
  /** @type {Map<string, { update: () => void, fail: (sentence: string | null) => void, input: HTMLElement }>} */
  const shown = new Map();

  const choice = /** @type {HTMLSelectElement} */ (h("select", { id: "recipe", onchange: () => choose(choice.value) },
    origin && h("optgroup", { label: "A run" }, h("option", { value: "run" }, `the recipe of ${from}`)),
    h("optgroup", { label: "Recipes" }, recipes.map(({ name, title }) => h("option", { value: `recipe:${name}` }, `${name} · ${title}`)))));
  choice.value = start.run ? "run" : `recipe:${start.name}`;
  const about = h("div", { class: "about" });
  const fields = h("div", { class: "stack" });
  const changes = h("span", { class: "changes" });
  const name = /** @type {HTMLInputElement} */ (h("input", { id: "field-name", maxlength: 100, placeholder: "numbered", autocomplete: "off", spellcheck: "false", "aria-describedby": "field-name-note",
    oninput: () => { nameNote.fail(null); drawCommand(); } }));
  const nameNote = noteOf(name, "field-name-note", () => "Runs without a name are numbered.");
  const command = h("pre", { class: "mono command", tabindex: 0, "aria-label": "The same as a command" });
  const wrong = h("p", { class: "error-text", role: "alert" });
  const button = /** @type {HTMLButtonElement} */ (h("button", { class: "primary wide", type: "submit" }));
  const waiting = h("p", { class: "small muted waiting", role: "status" });

  root.append(
    h("datalist", { id: "datasets" }, datasets.map(({ name: source, summary }) => h("option", { value: source }, summary))),
    h("form", { class: "train-form", novalidate: true, autocomplete: "off", onsubmit: (event) => { event.preventDefault(); train(); } },
      h("div", { class: "stack" },
        h("section", { class: "card" }, h("div", { class: "field recipe-field" }, h("label", { for: "recipe" }, "Recipe"), choice), about), fields),
      h("aside", { class: "card stack order", "aria-label": "Start" },
        h("div", { class: "field" }, h("label", { for: "field-name" }, "Name of the run"), name, nameNote.element),
        h("div", { class: "field" }, h("div", { class: "field-head" }, h("span", { class: "label" }, "The same as a command"),
          h("button", { class: "quiet small", type: "button", onclick: () => copy(command.textContent ?? "").then(() => toast("The command is copied"), tell) }, "Copy")), command),
        wrong, button, waiting)));

  /** @param {string} value */
  function choose(value) {
    const recipe = recipes.find((each) => `recipe:${each.name}` === value);
    start = recipe ?? { run: from, title: origin.settings.title, reference: origin.settings.reference, settings: origin.settings };
    draft = new Draft(form, start.settings);
    setQuery({ recipe: start.run ? null : start.name, from: start.run ?? null });
    drawFields();
    change();
  }

  /** The order as the server takes it. */
  const order = () => ({ ...(start.run ? { run: start.run } : { recipe: start.name }), settings: draft.settings(), name: name.value.trim() });

  /** A value changed: show what follows from it, and let the server check when the typing pauses. */
  function change() {
    const settings = draft.settings();
    setQuery({ set: settings.length ? JSON.stringify(settings) : null });
    for (const { update } of shown.values()) update();
    drawChanges();
    drawCommand();
    clearTimeout(timer);
    checking.abort();
    timer = setTimeout(check, PATIENCE);
  }

  /** How many of the fields that may be folded away are changed. */
  function drawChanges() {
    const count = draft.fields().filter((field) => draft.isChanged(field) && !FIRST.includes(field.path)).length;
    fill(changes, count ? ` · ${count} changed` : "");
  }

  function drawCommand() {
    const { settings, name: called } = order();
    const recipe = start.run ? pathOf(folder, start.run) : start.name;
    const parts = [["vael", "train", "--recipe", recipe], ...settings.map((setting) => ["--set", setting]), ...(called ? [["--name", called]] : []),
      ...(ofFolder(folder).length ? [ofFolder(folder)] : [])];
    fill(command, parts.map((words) => words.map(quote).join(" ")).join(" \\\n  "));
  }

  function drawButton() {
    button.disabled = isStarting;
    fill(button, isStarting ? [h("span", { class: "spinner" }), "Starting…"] : [icon(ICONS.play), "Train"]);
    fill(waiting, isStarting ? "The training starts as a process of its own and reads its data: some seconds." : "");
  }

  function drawFields() {
    shown.clear();
    const wasOpen = fields.querySelector("details")?.open ?? false;
    const active = document.activeElement?.id;
    fill(about, start.run && h("p", null, start.title), h("p", { class: "small muted" }, start.reference));
    const first = FIRST.map((path) => draft.find(path)).filter((field) => field !== null);
    const rest = draft.form.map(({ title, fields: listed }) => ({ title, groups: arranged(listed.map((field) => [field, ...draft.options(field)]
      .filter(({ path }) => !FIRST.includes(path))).filter((group) => group.length > 0)) })).filter(({ groups }) => groups.length > 0);
    fill(fields, h("section", { class: "card", "aria-label": "Main fields" }, h("div", { class: "fields" }, first.map(draw))),
      h("details", { class: "card", open: wasOpen }, h("summary", null, "All fields", changes), h("div", { class: "stack" },
        rest.map(({ title, groups }) => h("section", null, h("h2", null, title), h("div", { class: "fields" }, groups.map(drawGroup)))))));
    if (active?.startsWith("field-")) document.getElementById(active)?.focus();
  }

  /** A part with its options behind it, in rows of their own. @param {Field[]} group */
  function drawGroup(group) {
    const drawn = group.map(draw);
    return group.length > 1 ? h("div", { class: "part", role: "group", "aria-label": group[0].label }, drawn) : drawn;
  }

  /** @param {Field} field */
  function draw(field) {
    const id = idOf(field.path), value = draft.value(field);
    const read = () => {
      draft.set(field, /** @type {HTMLInputElement} */ (input).value);
      view.fail(null);
      if (draft.isPart(field)) drawFields();
      change();
    };
    const choices = field.choices.includes(value) ? field.choices : [value, ...field.choices];
    const input = /** @type {HTMLInputElement} */ (field.choices.length
      ? h("select", { id, value, "aria-describedby": `${id}-note`, onchange: read }, choices.map((each) => h("option", { value: each }, each)))
      : h("input", { id, value, "aria-describedby": `${id}-note`, spellcheck: "false", autocapitalize: "off", list: field.path === "data.source" ? "datasets" : null, oninput: read }));
    input.value = value;
    const note = noteOf(input, `${id}-note`, () => (field.path === "data.source" ? describeSource(datasets, draft.value(field)) : field.help.replaceAll("`", "")));
    const reset = h("button", { class: "quiet reset", type: "button", onclick: () => { input.value = draft.before(field); read(); document.getElementById(id)?.focus(); } }, "Reset");
    const element = h("div", { class: `field ${WIDE.includes(field.path) ? "is-wide" : ""}` },
      h("div", { class: "field-head" }, h("label", { for: id }, sentence(field.label)), reset), input, note.element);
    const view = {
      input, fail: note.fail,
      update: () => {
        const isChanged = draft.isChanged(field);
        element.classList.toggle("is-changed", isChanged);
        reset.hidden = !isChanged;
        reset.setAttribute("aria-label", `Reset ${field.label} to ${draft.before(field) || "nothing"}`);
        reset.title = `Reset to ${draft.before(field) || "nothing"}`;
        note.update();
      },
    };
    view.update();
    shown.set(field.path, view);
    return element;
  }

  /** Show an error where it belongs. @param {any} error @param {{ jump: boolean }} how */
  function showError(error, { jump }) {
    const path = error.field === "name" ? "name" : draft.nearest(error.field ?? "");
    const view = path === "name" ? { fail: nameNote.fail, input: name } : shown.get(path ?? "");
    fill(wrong, view ? "" : error.message);
    if (!view) return;
    const details = view.input.closest("details");
    if (details) details.open = true;
    view.fail(error.message);
    if (jump) view.input.focus();
  }

  function clearErrors() {
    fill(wrong);
    for (const { fail } of shown.values()) fail(null);
  }

  /** A field without a value is said here: the server would take an empty text for a text. @returns {boolean} */
  function isEmptySomewhere() {
    const empty = draft.fields().find((field) => draft.value(field).trim() === "" && draft.isChanged(field));
    if (empty) shown.get(empty.path)?.fail(`${sentence(empty.label)} expects a value${draft.before(empty) ? `, for example ${draft.before(empty)}` : ""}`);
    return empty !== undefined;
  }

  async function check() {
    if (isEmptySomewhere()) return;
    checking = new AbortController();
    try {
      const { refusal } = await call("/api/recipes/check", { method: "POST", body: order(), signal: checking.signal });
      clearErrors();
      if (refusal) showError(new Refused(refusal.detail, refusal.field, 422), { jump: false });
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      clearErrors();
      showError(error, { jump: false });
    }
  }

  async function train() {
    if (isStarting || isEmptySomewhere()) return;
    clearTimeout(timer);
    isStarting = true;
    drawButton();
    try {
      const started = await call("/api/runs", { method: "POST", body: order() });
      if (!signal.aborted) location.hash = href(started.name, "live");
    } catch (error) {
      clearErrors();
      if (signal.aborted) tell(error);
      else showError(error, { jump: true });
    } finally { isStarting = false; drawButton(); }
  }

  signal.addEventListener("abort", () => { clearTimeout(timer); checking.abort(); });
  drawFields();
  drawChanges();
  drawButton();
  drawCommand();
}

/** A section that begins with single fields has all of them in front of its parts, so that its rows are full. @param {Field[][]} groups */
function arranged(groups) {
  if (groups.length === 0 || groups[0].length > 1) return groups;
  return [...groups.filter((group) => group.length === 1), ...groups.filter((group) => group.length > 1)];
}

/** The line below a field: what it is for, or what is wrong with it. @param {HTMLElement} input @param {string} id @param {() => string} words */
function noteOf(input, id, words) {
  const element = h("p", { class: "note", id });
  let isWrong = false;
  const update = () => { if (!isWrong && element.textContent !== words()) { element.textContent = words(); element.title = words(); } };
  /** @param {string | null} sentence */
  const fail = (sentence) => {
    isWrong = sentence !== null;
    element.classList.toggle("error-text", isWrong);
    if (sentence === null) { input.removeAttribute("aria-invalid"); update(); return; }
    input.setAttribute("aria-invalid", "true");
    element.textContent = element.title = sentence;
  };
  update();
  return { element, update, fail };
}

/** @param {{ name: string, summary: string, where: string | null }[]} datasets @param {string} source */
function describeSource(datasets, source) {
  const found = datasets.find(({ name }) => name === source);
  if (!found) return "A data set's name, or a path: a folder or zip of images, .npy, .npz, .csv or .parquet.";
  return `${found.where ? "" : "Not found on this machine. "}${found.summary}`;
}

/** Settings as an address holds them. @param {string | null} text @returns {string[]} */
function readSettings(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.filter((each) => typeof each === "string") : [];
  } catch { return []; }
}
