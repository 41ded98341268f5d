// One run as it is trained, or was: how it stands, its curves, pictures through the training, what the numbers mean.

import { connect, ofRun } from "../api.js";
import { fill, h } from "../dom.js";
import { setQuery } from "../router.js";
import { curves } from "../live/curves.js";
import { findings, log } from "../live/findings.js";
import { header } from "../live/header.js";
import { moment } from "../live/moment.js";
import { moments } from "../live/moments.js";
import { history, rateMap } from "../live/rates.js";
import { begin, take } from "../live/state.js";

const FAREWELL = 600; // milliseconds: a run that this page renames or deletes takes the page with it

/** @param {import("../main.js").Stage} stage */
export function show({ root, run: name, detail, query, signal }) {
  const run = /** @type {string} */ (name), state = begin(detail);
  const chosen = moment(state, query, () => { pictures.move(); plots.update(); map.update(); }, signal);
  const rates = history(run, signal, () => { map.update(); pictures.update(); });
  const live = { run, detail, state, signal, query, setQuery, moment: chosen, rates };
  const top = header(live), plots = curves(live), pictures = moments(live), map = rateMap(live), words = findings(live), lines = log(live);
  const lost = h("div", { class: "live-lost", role: "status", hidden: true }, "The connection to the studio is lost. Trying again…");

  root.append(h("div", { class: "stack" }, lost, top.element, words.warnings, plots.element, pictures.element,
    h("div", { class: "live-below" }, map.element, h("div", { class: "stack" }, words.element, lines.element))));

  let isFirst = true, status = state.summary.state;
  const socket = connect(ofRun(run, "/watch"), {
    onOpen: () => { lost.hidden = true; isFirst = true; },
    onLost: () => { lost.hidden = false; },
    onMessage: (message) => {
      if (message.gone || message.detail) return sayGone(message.detail);
      const changed = take(state, message, isFirst);
      isFirst = false;
      if (changed.has("snapshots") && detail.has_rate) rates.refresh();
      if (changed.has("snapshots") || changed.has("restarted")) chosen.arrive();
      if (changed.has("summary") && state.summary.state !== status) pictures.move();
      status = state.summary.state;
      if (changed.has("log")) lines.update();
      if (["records", "summary", "findings", "skipped"].some((key) => changed.has(key))) { words.update(); plots.update(); pictures.update(); }
      top.update();
    },
  });
  signal.addEventListener("abort", () => socket.close());

  /** @param {string | undefined} why */
  function sayGone(why) {
    setTimeout(() => {
      if (signal.aborted) return;
      fill(root, h("div", { class: "empty" }, h("h1", null, "This run is gone"),
        h("p", null, why ?? `${run} was deleted or renamed while you looked at it.`), h("a", { class: "button", href: "#/" }, "All runs")));
    }, why ? 0 : FAREWELL);
  }
}
