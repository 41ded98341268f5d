// What is hidden of a picture: painted with mouse, finger or pen, or with the keyboard.

import { h } from "../dom.js";

const VEIL = [22, 112, 140]; // over what is hidden
const KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Mask {
  /** @param {{ height: number, width: number, onChange: () => void }} options `onChange` is called when a stroke is done */
  constructor({ height, width, onChange }) {
    Object.assign(this, { height, width, onChange });
    this.hidden = new Uint8Array(height * width);
    this.radius = Math.max(0.5, Math.max(height, width) / 14);
    this.isErasing = false;
    /** @type {Uint8Array | null} */
    this.pixels = null;
    /** @type {[number, number] | null} row and column of the keyboard's cursor */
    this.cursor = null;
    /** @type {[number, number] | null} */
    this.last = null;
    this.canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { width, height, class: "pixels", tabindex: 0, role: "application",
      "aria-label": "The picture. Paint over what to hide: drag, or move with the arrow keys and hide with Space",
      onpointerdown: (event) => this.#begin(event), onpointermove: (event) => this.#move(event), onpointerup: () => this.#end(), onpointercancel: () => this.#end(),
      onkeydown: (event) => this.#press(event), onblur: () => { this.cursor = null; this.draw(); } }));
  }

  get isEmpty() { return !this.hidden.includes(1); }

  /** @param {ArrayLike<number>} hidden a number for each pixel, not 0 where it is hidden */
  set(hidden) { this.hidden = Uint8Array.from(hidden, (value) => (value ? 1 : 0)); this.draw(); }

  /** @param {Uint8Array} pixels of the picture below, H × W × 3 */
  look(pixels) { this.pixels = pixels; this.draw(); }

  draw() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const image = context.createImageData(this.width, this.height);
    for (let i = 0; i < this.hidden.length; i += 1) {
      const isCursor = this.cursor !== null && i === this.cursor[0] * this.width + this.cursor[1];
      for (let c = 0; c < 3; c += 1) {
        const below = this.pixels?.[3 * i + c] ?? 0;
        image.data[4 * i + c] = isCursor ? [255, 176, 32][c] : this.hidden[i] ? 0.22 * below + 0.78 * VEIL[c] : below;
      }
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  /** Hide, or show again, what is near a place. @param {number} row @param {number} column */
  #dab(row, column) {
    for (let y = Math.max(0, Math.floor(row - this.radius)); y <= Math.min(this.height - 1, row + this.radius); y += 1) {
      for (let x = Math.max(0, Math.floor(column - this.radius)); x <= Math.min(this.width - 1, column + this.radius); x += 1) {
        const isNear = (y - row) ** 2 + (x - column) ** 2 <= this.radius ** 2 || (y === Math.round(row) && x === Math.round(column));
        if (isNear) this.hidden[y * this.width + x] = this.isErasing ? 0 : 1;
      }
    }
  }

  /** @param {PointerEvent} event @returns {[number, number]} row and column */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height * this.height - 0.5, (event.clientX - box.left) / box.width * this.width - 0.5];
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.#at(event);
    this.#dab(...this.last);
    this.draw();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.last === null) return;
    const [row, column] = this.#at(event), [fromRow, fromColumn] = this.last;
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(row - fromRow, column - fromColumn)));
    for (let i = 1; i <= steps; i += 1) this.#dab(fromRow + (row - fromRow) * i / steps, fromColumn + (column - fromColumn) * i / steps);
    this.last = [row, column];
    this.draw();
  }

  #end() {
    if (this.last === null) return;
    this.last = null;
    this.onChange();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const step = KEYS[event.key], [row, column] = this.cursor ?? [this.height >> 1, this.width >> 1];
    if (step) this.cursor = [Math.max(0, Math.min(this.height - 1, row + step[0])), Math.max(0, Math.min(this.width - 1, column + step[1]))];
    else if (event.key === " " || event.key === "Enter") { this.cursor = [row, column]; this.#dab(row, column); this.onChange(); }
    else return;
    event.preventDefault();
    this.draw();
  }
}
