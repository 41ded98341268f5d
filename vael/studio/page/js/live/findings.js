// What the numbers mean: warnings right below the header, the rest in a calm list; and the log.

import { fill, h } from "../dom.js";

const ENDED = {
  interrupted: "The training was stopped. Resume goes on from the last checkpoint, to the very weights of a run that was never stopped.",
  killed: "The process that trained it is gone without a word. Resume goes on from the last checkpoint.",
};

/** @param {{ state: import("./state.js").State }} live */
export function findings({ state }) {
  const warnings = h("div", { class: "stack live-warnings" }), spoken = h("div", { class: "visually-hidden", role: "alert" });
  const list = h("div", { class: "live-findings" });
  const element = h("section", { class: "card" }, h("header", null, h("h2", null, "Findings")), list);
  const said = new Set();
  let shown = "";

  function update() {
    const { state: status } = state.summary;
    const worth = state.findings.filter((finding) => finding.kind !== "state"); // the header says that
    const ended = ENDED[status] ? [{ tone: "warning", title: `The training is ${status}`, text: ENDED[status], kind: "state" }] : [];
    const skipped = state.skipped.length ? [{ tone: "note", title: "Lines that are no records", text: state.skipped.join(" · "), kind: "skipped" }] : [];
    const all = [...ended, ...worth, ...skipped];
    if (JSON.stringify(all) === shown) return;
    shown = JSON.stringify(all);
    const bad = all.filter((finding) => finding.tone === "warning"), calm = all.filter((finding) => finding.tone !== "warning");
    fill(warnings, bad.map(box));
    warnings.hidden = bad.length === 0;
    fill(list, calm.length ? calm.map(box) : h("p", { class: "muted small" }, state.records.length || !["running", "created"].includes(status) ? bad.length ? "Nothing else to say." : "Nothing to say." : "They come with the first records."));
    for (const { title, text } of bad) {
      if (said.has(title)) continue;
      said.add(title);
      fill(spoken, `${title}. ${text}`);
    }
  }

  update();
  return { warnings: [spoken, warnings], element, update };
}

/** @param {import("./state.js").Finding} finding */
const box = ({ tone, title, text }) => h("div", { class: `finding ${tone}` }, h("b", null, title), h("span", { class: "small" }, text));

/** The lines of log.txt; the box follows their end unless it was scrolled up. @param {{ state: import("./state.js").State }} live */
export function log({ state }) {
  const lines = h("pre", { class: "live-log", tabindex: 0, "aria-label": "Log of the training" });
  const element = h("section", { class: "card" }, h("header", null, h("h2", null, "Log")), lines);

  function update() {
    const text = state.log.length ? state.log.join("\n") : state.isKnown ? "This run has no log." : "";
    if (lines.textContent === text) return;
    const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 24;
    lines.textContent = text;
    if (isAtEnd) lines.scrollTop = lines.scrollHeight;
  }

  update();
  return { element, update };
}
