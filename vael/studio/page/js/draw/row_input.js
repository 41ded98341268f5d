// Fill in, drop, open or choose a row of a table.

import { fill, h } from "../dom.js";
import { asking, checkSize, exampleField, fileButton } from "./fields.js";
import { rowForm } from "./rows.js";

const MOST_ROWS = 1000; // of a file: more are not sent

/** @param {import("./picture_input.js").Desk} desk @param {string[]} columns */
export function rowInput(desk, columns) {
  const { signal, tell } = desk;
  const wrong = h("p", { class: "error-text", role: "alert" });
  const caption = h("p", { class: "small muted name" }, "\u00a0");
  const { ask } = asking(desk, {
    /** @param {any} found @param {boolean} isNew whether the fields take its values @param {(found: any) => string} words */
    onFound: (found, isNew, words) => {
      form.show(found, isNew);
      fill(wrong);
      caption.title = words(found);
      fill(caption, caption.title);
      tell(found);
    },
    onError: (error) => { fill(wrong, error.message); },
  });
  const form = rowForm(columns, { signal, onChange: (csv) => {
    field.set(null);
    ask("/inspect?filename=the+row", { method: "POST", body: new Blob([csv]) }, false, () => "Your values");
  } });
  const look = (number) => ask(`/examples/${number}`, {}, true, () => `${desk.split} example ${number}: change a value`);
  const example = (number) => { field.set(number); look(number); };
  const take = async (file) => {
    try {
      checkSize(file);
      const lines = (await file.text()).split(/\r?\n/).filter((line) => line.trim() !== ""), sent = lines.slice(0, MOST_ROWS);
      field.set(null);
      ask(`/inspect?${new URLSearchParams({ filename: file.name })}`, { method: "POST", body: new Blob([sent.join("\n")]) }, true,
        (found) => `${file.name}: ${ofHowMany(lines.length - sent.length + found.num_rows)}`);
    } catch (error) {
      fill(wrong, error.message);
    }
  };
  const field = exampleField(desk, example);
  const element = h("section", { class: "card input" },
    h("header", null, h("h2", { class: "grow" }, "One row"), fileButton("Open a CSV file", ".csv,.tsv,.txt,text/csv", take)),
    field.element, caption, wrong, form.element, h("div", { class: "drop" }, "Drop the CSV file"));
  return { element, take, example, begin: () => look(Math.floor(Math.random() * desk.count)) };
}

/** @param {number} rows */
const ofHowMany = (rows) => (rows === 1 ? "its only row" : `the first of its ${rows.toLocaleString("en-US")} rows`);
