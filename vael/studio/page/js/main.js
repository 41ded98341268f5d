// The shell: the bar on top, one view below it, and the address that says which.

import { call, ofRun } from "./api.js";
import { fill, h, icon, ICONS } from "./dom.js";
import { href, place } from "./router.js";
import { theme, toggleTheme } from "./theme.js";

/**
 * What a view is given.
 * @typedef {{ root: HTMLElement, run: string | null, detail: any, query: URLSearchParams, signal: AbortSignal }} Stage
 * `detail` is what GET /api/runs/NAME says; `signal` is aborted when the view is left: listeners and sockets end with it.
 */

/** @type {Record<string, { title: string, load: () => Promise<{ show: (stage: Stage) => void | Promise<void> }> }>} */
const PAGES = {
  runs: { title: "Runs", load: () => import("./views/runs.js") },
  train: { title: "New training", load: () => import("./views/train.js") },
  compare: { title: "Compare", load: () => import("./views/compare.js") },
};
const VIEWS = {
  live: { title: "Live", load: () => import("./views/live.js") },
  explore: { title: "Explore", load: () => import("./views/explore.js") },
  draw: { title: "Draw or drop", load: () => import("./views/draw.js") },
  use: { title: "Use", load: () => import("./views/use.js") },
  figures: { title: "Figures", load: () => import("./views/figures.js") },
  recipe: { title: "Recipe", load: () => import("./views/recipe.js") },
};

const bar = /** @type {HTMLElement} */ (document.getElementById("bar"));
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
let leaving = new AbortController();
if (new URLSearchParams(location.search).has("embedded")) document.documentElement.classList.add("embedded");

function drawBar(here) {
  const tabs = here.page !== "run" ? null : h("nav", { "aria-label": "Views of the run" },
    Object.entries(VIEWS).map(([key, view]) =>
      h("a", { href: href(here.run, key), "aria-current": key === here.view ? "page" : null }, view.title)));
  const name = here.page === "run" ? here.run : here.page === "runs" ? null : PAGES[here.page]?.title;
  const label = theme() === "dark" ? "Use light colours" : "Use dark colours";
  fill(bar, h("div", { class: "inside" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: "icon.svg", alt: "" }), "vael"),
    name && h("div", { class: "where" }, h("span", { class: "slash" }, "/"), h("span", { class: "name", title: name }, name)),
    tabs,
    h("div", { class: "end" }, h("button", { class: "quiet icon", "aria-label": label, title: label, onclick: toggleTheme },
      icon(theme() === "dark" ? ICONS.sun : ICONS.moon)))));
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving, here = place();
  const view = here.page === "run" ? VIEWS[here.view] : PAGES[here.page];
  drawBar(here);
  document.title = `${here.run ?? view?.title ?? "Not found"} · vael studio`;
  fill(main, h("div", { class: "loading" }, h("div", { class: "spinner", role: "progressbar", "aria-label": "Loading" })));
  try {
    if (!view) throw new Error(`There is no page '${here.view || here.page}'.`);
    const [module, detail] = await Promise.all([view.load(), here.run === null ? null : call(ofRun(here.run), { signal })]);
    if (signal.aborted) return;
    const root = h("div", { class: `view ${here.view || here.page}` });
    fill(main, root);
    await module.show({ root, run: here.run, detail, query: here.query, signal });
  } catch (error) {
    if (signal.aborted) return;
    fill(main, h("div", { class: "empty" }, h("h1", null, "Nothing to show"), h("p", null, error.message),
      h("a", { class: "button", href: "#/" }, "All runs")));
  }
}

window.addEventListener("hashchange", show);
window.addEventListener("theme", () => drawBar(place()));
show();
