// Through the training: pictures of the model at a chosen moment, a slider over all moments, and a way to follow the newest.

import { fill, h, icon, ICONS } from "../dom.js";
import { number } from "../format.js";
import { frames } from "./frames.js";
import { kindsOf, picture } from "./pictures.js";
import { judgedAt, nameMoment } from "./state.js";

const PLAY = 200; // milliseconds a moment
const AHEAD = 2; // moments fetched before they are shown
const COSTLY = ["embeddings"], SPARING = 5000; // drawn that often, in milliseconds, while a running training is followed
const AWAKE = 0.01; // nats: what a dimension that says anything costs

/**
 * @param {{ run: string, detail: any, state: import("./state.js").State, signal: AbortSignal, moment: import("./moment.js").Moment,
 *   rates: import("./rates.js").History }} live
 */
export function moments({ run, detail, state, signal, moment, rates }) {
  const pictures = frames(run), panels = kindsOf(detail).map((kind) => picture(kind, run, pictures, signal));
  const slider = /** @type {HTMLInputElement} */ (h("input", { type: "range", min: 0, max: 0, step: 1, value: "0", "aria-label": "Moment of the training" }));
  const play = h("button", { class: "icon", "aria-label": "Play through the training", title: "Play through the training" }, icon(ICONS.play));
  const newest = h("button", { "aria-pressed": "true" }), name = h("output", { class: "live-moment" });
  const facts = h("dl", { class: "pairs small live-facts-at" }), none = h("p", { class: "muted", hidden: true });
  const controls = h("div", { class: "live-slider" }, play, slider, name, newest);
  const grid = h("div", { class: `live-pictures ${detail.observation.is_image ? "" : "wide"}` }, panels.map((panel) => panel.element));
  panels.at(-1)?.element.append(facts);
  const element = h("section", { class: "card", "aria-label": "Through the training" }, h("header", null, h("h2", null, "Through the training")), none, controls, grid);
  let playing = /** @type {AbortController | null} */ (null), spent = -Infinity, later = 0;

  /** @param {number} step */
  const addresses = (step) => panels.map(({ kind }) => pictures.address(kind, step, state.snapshots.at(-1) ?? 0));

  function show() {
    const { step } = moment;
    if (step === null) return;
    const words = nameMoment(state, step), where = addresses(step);
    const wait = moment.isLive && state.summary.state === "running" ? spent + SPARING - performance.now() : 0;
    const now = panels.map((panel, place) => ({ panel, address: where[place] })).filter(({ panel }) => wait <= 0 || !COSTLY.includes(panel.kind));
    for (const { panel, address } of now) panel.show(address, words, step);
    moment.isDrawn = Promise.allSettled(now.map(({ address }) => pictures.get(address)));
    clearTimeout(later);
    if (wait > 0) later = setTimeout(show, wait); // the training needs the machine more
    else spent = performance.now();
  }

  function drawFacts() {
    const { step } = moment;
    if (step === null) return;
    const held = judgedAt(state, step), costs = rates.at(step);
    const pairs = [["ELBO", "elbo_nats"], ["Rate", "rate_nats"], ["Distortion", "distortion_nats"]].slice(detail.has_rate ? 0 : 2)
      .map(([title, key]) => [title, held ? `${number(held[key])} nats` : "–"]);
    pairs.unshift(["Judged", held ? `epoch ${held.epoch}, ${held.split}` : "not yet"]);
    if (detail.has_rate) pairs.push(["Awake", costs ? `${costs.filter((rate) => rate > AWAKE).length} of ${costs.length} dimensions` : "–"]);
    fill(facts, pairs.map(([title, value]) => [h("dt", null, title), h("dd", null, value)]));
  }

  function drawControls() {
    const { snapshots, summary } = state, { step, isLive } = moment, isRunning = summary.state === "running";
    const isEmpty = snapshots.length === 0;
    controls.hidden = grid.hidden = isEmpty;
    none.hidden = !isEmpty;
    if (isEmpty) { none.textContent = whyNone(state, detail); return; }
    slider.max = String(snapshots.length - 1);
    slider.value = String(snapshots.indexOf(step ?? -1));
    const words = nameMoment(state, step ?? 0);
    slider.setAttribute("aria-valuetext", words);
    name.textContent = words;
    newest.textContent = isRunning ? "Live" : "Newest";
    newest.title = isRunning ? "Follow the newest snapshot as it arrives" : "Go to the newest snapshot";
    newest.setAttribute("aria-pressed", String(isLive));
    fill(play, icon(playing ? ICONS.pause : ICONS.play));
    play.setAttribute("aria-label", playing ? "Pause" : "Play through the training");
    play.title = playing ? "Pause" : "Play through the training";
  }

  function stop() {
    playing?.abort();
    playing = null;
    drawControls();
  }

  async function start() {
    const going = new AbortController();
    playing = going;
    const at = state.snapshots.indexOf(moment.step ?? -1);
    let next = at >= state.snapshots.length - 1 ? 0 : at + 1;
    while (next < state.snapshots.length) {
      const pause = new Promise((resolve) => { setTimeout(resolve, PLAY); });
      for (const ahead of state.snapshots.slice(next, next + 1 + AHEAD)) addresses(ahead).forEach((where) => pictures.get(where).catch(() => {}));
      const late = setTimeout(() => fill(play, h("span", { class: "spinner" })), 2 * PLAY);
      await Promise.allSettled([...addresses(state.snapshots[next]).map(pictures.get), pause]);
      clearTimeout(late);
      if (going.signal.aborted || signal.aborted) return;
      moment.choose(state.snapshots[next]);
      next += 1;
    }
    stop();
  }

  slider.addEventListener("input", () => {
    const step = state.snapshots[Number(slider.value)];
    stop();
    moment.choose(step);
  });
  play.addEventListener("click", () => { if (playing) stop(); else { start(); drawControls(); } });
  newest.addEventListener("click", () => { stop(); moment.follow(); });
  window.addEventListener("theme", () => { spent = -Infinity; show(); }, { signal });
  signal.addEventListener("abort", () => { clearTimeout(later); playing?.abort(); });

  function update() {
    drawControls();
    drawFacts();
  }

  /** Show another moment. */
  function move() {
    update();
    show();
  }

  move();
  return { element, update, move };
}

/** @param {import("./state.js").State} state @param {any} detail */
function whyNone({ summary, isExact }, { settings }) {
  if (isExact) return "It was solved in closed form, in one step: there is no way to show.";
  if (settings["training.snapshots"] === "0") return "It keeps no snapshots: set training.snapshots to 32 to see the model change.";
  return summary.state === "running" || summary.state === "created" ? "The first snapshot comes before the first step." : "There are no snapshots.";
}
