// One row of a table: a field for each column, and beside it what the model makes of it.

import { unpack } from "../api.js";
import { fill, h } from "../dom.js";
import { short } from "../format.js";

const REST = 100; // milliseconds after the last key before the row is sent

/** A number in about as many digits as a float32 holds. @param {number} value */
export const written = (value) => String(Number(value.toPrecision(6)));

/**
 * @param {string[]} columns
 * @param {{ onChange: (csv: string) => void, signal: AbortSignal }} options `csv`: a header and one row
 */
export function rowForm(columns, { onChange, signal }) {
  let timer = 0;
  const changed = () => {
    clearTimeout(timer);
    const wrong = lines.filter(({ input }) => input.value.trim() === "" || !input.validity.valid);
    for (const { input } of lines) input.setAttribute("aria-invalid", String(wrong.some((line) => line.input === input)));
    if (wrong.length === 0) timer = setTimeout(() => onChange(toCsv()), REST);
  };
  const lines = columns.map((column) => {
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "number", step: "any", "aria-label": column, oninput: changed, autocomplete: "off" }));
    const mean = h("td", { class: "number" }, "–"), difference = h("td", { class: "number muted" }, "–");
    return { input, mean, difference, row: h("tr", null, h("td", { class: "column", title: column }, column), h("td", null, input), mean, difference) };
  });
  const toCsv = () => `${columns.map(quoted).join(",")}\n${lines.map(({ input }) => input.value).join(",")}\n`;
  signal.addEventListener("abort", () => clearTimeout(timer));

  /** Show what the model says of a row; with `isNew` the fields take the row's values too. @param {any} found @param {boolean} isNew */
  const show = (found, isNew) => {
    const x = unpack(found.x).data, mean = unpack(found.mean).data;
    lines.forEach((line, i) => {
      if (isNew) { line.input.value = written(x[i]); line.input.setAttribute("aria-invalid", "false"); }
      fill(line.mean, short(mean[i], 4));
      fill(line.difference, short(mean[i] - x[i], 2));
    });
  };
  const head = ["Column", "Value", "Reconstructed", "Difference"].map((title, i) => h("th", { class: i < 2 ? null : "number", scope: "col" }, title));
  const element = h("div", { class: "scroll-x rows" }, h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, lines.map((line) => line.row))));
  return { element, show };
}

/** A name as a CSV file writes it. @param {string} name */
export const quoted = (name) => `"${name.replaceAll('"', '""')}"`;
