// Short words at the edge of the page, and questions that must be answered.

import { fill, h } from "./dom.js";

/** @param {string} text @param {"" | "error"} [kind] */
export function toast(text, kind = "") {
  const place = /** @type {HTMLElement} */ (document.getElementById("toasts"));
  const close = () => element.remove();
  const element = h("div", { class: `toast ${kind}` }, h("span", null, text), h("button", { onclick: close, "aria-label": "Close" }, "×"));
  place.append(element);
  while (place.children.length > 3) place.firstElementChild?.remove();
  setTimeout(close, kind === "error" ? 12000 : 5000);
}

/** Say what went wrong. @param {unknown} error */
export function tell(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  toast(error instanceof Error ? error.message : String(error), "error");
}

/**
 * Ask before something happens; with `value` it asks for a word too.
 * @param {{ title: string, text?: string, yes: string, danger?: boolean, value?: string, label?: string, type?: string, check?: (word: string) => void | Promise<void> }} question
 *   `check` does it; its error is shown in the dialog, which stays open
 * @returns {Promise<boolean>} whether it was done
 */
export function ask({ title, text = "", yes, danger = false, value, label = "", type = "text", check }) {
  return new Promise((resolve) => {
    const word = value === undefined ? null : /** @type {HTMLInputElement} */ (h("input", { value, type, "aria-label": label, maxlength: 100 }));
    const wrong = h("p", { class: "error-text", role: "alert" });
    const confirm = /** @type {HTMLButtonElement} */ (h("button", { class: danger ? "danger" : "primary", type: "submit" }, yes));
    const finish = (done) => { dialog.close(); dialog.remove(); resolve(done); };
    const submit = async (event) => {
      event.preventDefault();
      confirm.disabled = true;
      try { await check?.(word?.value.trim() ?? ""); finish(true); }
      catch (error) { fill(wrong, error instanceof Error ? error.message : String(error)); confirm.disabled = false; }
    };
    const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-label": title, oncancel: () => finish(false) },
      h("form", { onsubmit: submit }, h("h2", null, title), text && h("p", null, text), word, wrong,
        h("div", { class: "row" }, h("button", { type: "button", onclick: () => finish(false) }, "Cancel"), confirm))));
    document.body.append(dialog);
    dialog.showModal();
    word?.select();
  });
}
