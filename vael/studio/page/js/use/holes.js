// A row of a table whose cells can be emptied, and what the model could put there.

import { quoted, written } from "../draw/rows.js";
import { fill, h } from "../dom.js";
import { number, short } from "../format.js";
import { rowsOf } from "./pictures.js";

const REST = 300; // milliseconds after the last key

/** @param {string[]} columns @param {HTMLElement} place @param {() => void} go */
export function holes(columns, place, go) {
  let timer = 0, isKnown = false, isChanged = false;
  const changed = () => {
    clearTimeout(timer);
    const wrong = lines.filter(({ input }) => !input.validity.valid);
    for (const { input } of lines) input.setAttribute("aria-invalid", String(wrong.some((line) => line.input === input)));
    if (wrong.length) return;
    isChanged = true;
    timer = setTimeout(go, REST);
  };
  const lines = columns.map((column) => {
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "number", step: "any", "aria-label": column, placeholder: "empty", autocomplete: "off", oninput: changed }));
    return { column, input, cells: h("td", { class: "number" }) };
  });
  const words = h("p", { class: "small muted" }), head = h("tr"), body = h("tbody");
  const card = h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, "Empty the cells to fill"), words), h("div", { class: "scroll-x" }, h("table", { class: "holes" }, h("thead", null, head), body)));

  const show = (found) => {
    const x = rowsOf(found.x)[0], there = rowsOf(found.observed)[0], fills = rowsOf(found.fills), mean = rowsOf(found.mean)[0];
    const count = fills.length / rowsOf(found.x).length, chosen = Array.from({ length: count }, (_, s) => fills[s * rowsOf(found.x).length]);
    if (!isKnown) {
      isKnown = true;
      lines.forEach(({ input }, i) => { input.value = there[i] ? written(x[i]) : ""; });
      if (there.every(Boolean)) { lines[0].input.value = ""; changed(); }
    }
    const holed = there.some((is) => !is);
    fill(words, holed ? `${number(100 * found.hidden, 0)} % hidden · ${number(100 * found.acceptance, 1)} % of the proposals taken` : "Nothing is empty yet.");
    fill(head, ["Column", "Value", "Mean", ...chosen.map((_, s) => `Fill ${s + 1}`)].map((title, i) => h("th", { scope: "col", class: i ? "number" : null }, title)));
    fill(body, lines.map(({ column, input }, i) => h("tr", { class: there[i] ? null : "is-hole" }, h("td", { class: "column", title: column }, column), h("td", null, input),
      [mean, ...chosen].map((row) => h("td", { class: "number" }, there[i] ? "" : short(row[i]))))));
    if (!card.isConnected) fill(place, card);
  };
  const csv = () => `${columns.map(quoted).join(",")}\n${lines.map(({ input }) => input.value).join(",")}\n`;
  return { element: null, show, asked: () => ({ mask: null }), clear: () => {}, forget: () => { isKnown = false; isChanged = false; }, isOwnRow: () => isChanged, csv };
}
