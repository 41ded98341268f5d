// A slider for every latent dimension, the largest rate first; dead ones folded away.

import { fill, h } from "../dom.js";
import { number } from "../format.js";

/**
 * @param {{ dim: number, rate_nats: number | null, active: boolean, limit: number }[]} dimensions
 * @param {(dim: number, value: number) => void} onChange
 */
export function makeSliders(dimensions, onChange) {
  /** @type {Map<number, { input: HTMLInputElement, shown: HTMLElement }>} */
  const parts = new Map();
  const row = ({ dim, rate_nats: rate, limit }) => {
    const shown = h("output", { class: "number" }, "0.00");
    const input = /** @type {HTMLInputElement} */ (h("input", { type: "range", min: -limit, max: limit, step: "any", value: 0, id: `z${dim}`,
      oninput: () => { fill(shown, number(input.valueAsNumber)); onChange(dim, input.valueAsNumber); },
      ondblclick: () => { input.value = "0"; input.dispatchEvent(new Event("input")); },
      onkeydown: (event) => nudge(event, input, limit) }));
    parts.set(dim, { input, shown });
    return h("div", { class: "slider" }, h("label", { for: `z${dim}` }, `z${dim}`), input, shown,
      h("span", { class: "number muted small", title: "Its mean rate over the examples, in nats" }, rate === null ? "–" : number(rate)));
  };
  const used = dimensions.filter(({ active }) => active), dead = dimensions.filter(({ active }) => !active);
  const head = h("div", { class: "slider head muted small", "aria-hidden": "true" }, h("span"), h("span"), h("span", { class: "number" }, "value"),
    h("span", { class: "number" }, "rate"));
  const element = h("div", { class: "sliders" }, head, used.map(row),
    dead.length > 0 && h("details", { open: used.length === 0 }, h("summary", null, `${dead.length} dead dimensions`), dead.map(row)));
  return {
    element,
    /** Follow a latent, if anybody sees it. @param {ArrayLike<number>} z */
    show(z) {
      if (element.offsetParent === null) return;
      for (const [dim, { input, shown }] of parts) {
        const text = number(z[dim]);
        if (shown.textContent === text) continue;
        shown.textContent = text;
        if (document.activeElement !== input || !input.matches(":active")) input.value = String(z[dim]);
      }
    },
  };
}

/** Arrow keys take steps of a fiftieth of the way; `step="any"` alone would jump. */
function nudge(event, input, limit) {
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 5, PageDown: -5 }[event.key];
  if (steps === undefined) return;
  event.preventDefault();
  input.value = String(input.valueAsNumber + (steps * limit) / 25);
  input.dispatchEvent(new Event("input"));
}
