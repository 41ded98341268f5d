// A small menu behind a "…" button, with the keys that menus have.

import { fill, h, icon } from "./dom.js";

const DOTS = "M5.5 12a.5.5 0 1 0 0 .01zM12 12a.5.5 0 1 0 0 .01zM18.5 12a.5.5 0 1 0 0 .01z";
const ITEM_HEIGHT = 40; // pixels, of the taller items that a finger gets

/** @typedef {{ text: string, act: () => void, danger?: boolean }} Item */

/**
 * A button that opens a menu; the items are asked for at each opening.
 * @param {string} label what a screen reader says @param {() => Item[]} items
 */
export function menuButton(label, items) {
  const list = h("div", { class: "menu", role: "menu", "aria-label": label, popover: "auto", onkeydown: move });
  const button = /** @type {HTMLButtonElement} */ (h("button", { class: "quiet icon", type: "button", "aria-label": label, "aria-haspopup": "menu" }, icon(DOTS)));
  button.popoverTargetElement = list;
  const close = () => list.hidePopover();
  list.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const found = items();
    fill(list, found.map((item) => h("button", { class: `quiet ${item.danger ? "danger" : ""}`, type: "button", role: "menuitem", tabindex: -1,
      onclick: () => { close(); item.act(); } }, item.text)));
    place(list, button.getBoundingClientRect(), found.length * ITEM_HEIGHT + 20);
  });
  list.addEventListener("toggle", (event) => {
    const isOpen = /** @type {ToggleEvent} */ (event).newState === "open";
    const listen = isOpen ? "addEventListener" : "removeEventListener";
    window[listen]("scroll", close, true);
    window[listen]("resize", close);
    if (isOpen) /** @type {HTMLElement | null} */ (list.firstElementChild)?.focus({ preventScroll: true });
  });
  return h("span", { class: "menu-place" }, button, list);
}

/** Under its button, or above it where the window ends. @param {HTMLElement} list @param {DOMRect} near @param {number} height */
function place(list, near, height) {
  const fits = near.bottom + height < window.innerHeight;
  list.style.right = `${document.documentElement.clientWidth - near.right}px`;
  list.style.top = fits ? `${near.bottom + 4}px` : "auto";
  list.style.bottom = fits ? "auto" : `${window.innerHeight - near.top + 4}px`;
}

/** @param {KeyboardEvent} event */
function move(event) {
  const list = /** @type {HTMLElement} */ (event.currentTarget);
  const items = /** @type {HTMLElement[]} */ ([...list.children]), at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Tab") list.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items[to % items.length].focus();
}
