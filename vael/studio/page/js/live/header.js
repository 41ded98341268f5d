// How a training stands: its state, how far it is, its main numbers, and what can be done with it.

import { actionsOf } from "../actions.js";
import { fill, h } from "../dom.js";
import { duration, number, whole } from "../format.js";
import { href } from "../router.js";
import { judged } from "./state.js";

const NUMBERS = [["elbo_nats", "ELBO", "Larger is better"], ["rate_nats", "Rate", "What the latent says about x"],
  ["distortion_nats", "Distortion", "Smaller is better"]];

/** @param {{ run: string, detail: any, state: import("./state.js").State, signal: AbortSignal }} live */
export function header({ run, detail, state, signal }) {
  const chip = h("span", { class: "chip" }), facts = h("div", { class: "live-facts" }), buttons = h("div", { class: "row live-buttons" });
  const bar = h("i"), time = h("b");
  const progress = h("div", { class: "progress", role: "progressbar", "aria-label": "Progress of the training", "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
  const numbers = (detail.has_rate ? NUMBERS : NUMBERS.slice(2)).map(([key, name, hint]) => {
    const of = h("small", { class: "muted" }), value = h("b"), change = h("small", { class: "muted" });
    return { key, of, value, change, element: h("div", { title: hint }, h("span", null, name, of), value, change) };
  });
  let busy = /** @type {string | null} */ (null), drawn = "";

  const element = h("section", { class: "card live-header", "aria-label": "State of the training" }, h("h1", { class: "visually-hidden" }, run),
    h("div", { class: "live-top" }, chip, facts, buttons), progress, h("div", { class: "live-numbers" }, numbers.map((each) => each.element)));

  /** @type {import("../actions.js").Then} */
  const then = {
    busy: (_, word) => { busy = word; drawButtons(); },
    done: (name) => {
      if (signal.aborted || name === run) return;
      location.hash = name === null ? "#/" : href(name, "live");
    },
  };

  function drawButtons() {
    const { state: status } = state.summary;
    if ((busy === "stopping" && status !== "running") || (busy === "resuming" && status === "running")) busy = null;
    if (drawn === `${status} ${busy} ${state.summary.epochs}`) return;
    drawn = `${status} ${busy} ${state.summary.epochs}`;
    const focused = buttons.contains(document.activeElement) ? document.activeElement?.textContent : null;
    const items = actionsOf(state.summary, then), isUrgent = ["interrupted", "killed"].includes(status);
    fill(buttons, busy && h("span", { class: "row small muted", role: "status" }, h("span", { class: "spinner" }), `${busy[0].toUpperCase()}${busy.slice(1)}…`),
      items.map(({ text, act, danger }, place) =>
        h("button", { class: place > 0 ? `quiet ${danger ? "danger" : ""}` : isUrgent ? "primary" : null, onclick: act, disabled: busy !== null }, text)));
    if (focused) /** @type {HTMLElement | undefined} */ ([...buttons.children].find((button) => button.textContent === focused))?.focus();
  }

  function tick() {
    if (state.summary.state !== "running") return;
    time.textContent = state.secondsLeft === null ? "–" : duration(Math.max(state.secondsLeft - (performance.now() - state.since) / 1000, 0));
  }

  function drawFacts() {
    const { state: status, epoch, epochs, step, total_steps: total, training_seconds: took } = state.summary;
    const fact = (/** @type {Node | string} */ value, /** @type {string} */ name) =>
      h("div", null, value instanceof Node ? value : h("b", null, value), " ", h("span", { class: "muted" }, name));
    const clock = status === "running" ? "left" : status === "finished" && took !== null ? "of training" : null;
    time.textContent = duration(took);
    fill(facts, !state.isExact && fact(`${epoch ?? 0} of ${epochs ?? "–"}`, "epochs"),
      fact(total && !state.isExact ? `${whole(step ?? 0)} of ${whole(total)}` : whole(step ?? 0), step === 1 ? "step" : "steps"),
      clock && fact(time, clock), state.speed !== null && fact(whole(state.speed), "examples/s"));
    tick();
    const share = status === "finished" ? 1 : total ? Math.min((step ?? 0) / total, 1) : epochs ? Math.min((epoch ?? 0) / epochs, 1) : 0;
    bar.style.width = `${100 * share}%`;
    progress.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }

  function drawNumbers() {
    const [last, before] = judged(state);
    for (const { key, of, value, change } of numbers) {
      const by = last && before ? last[key] - before[key] : NaN;
      of.textContent = last ? ` nats, ${last.split}` : " nats";
      value.textContent = number(last?.[key]);
      change.textContent = Number.isFinite(by) ? `${signed(by)} since ${before.epoch === last.epoch ? `step ${whole(before.step)}` : `epoch ${before.epoch}`}` : "\u00a0";
    }
  }

  function update() {
    const { state: status, reason } = state.summary;
    chip.className = `chip ${status}`;
    chip.textContent = status;
    chip.title = reason ?? "";
    drawButtons();
    drawFacts();
    drawNumbers();
  }

  const timer = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  update();
  return { element, update };
}

/** A change with its sign. @param {number} by */
const signed = (by) => (Math.abs(by) < 0.005 ? "unchanged" : `${by > 0 ? "+" : ""}${number(by)}`);
