// A field to draw on: round soft ink by mouse, finger or pen, strokes that can be taken back.

import { h } from "../dom.js";

const LONGEST = 420; // pixels of the longer side, about: what the server shrinks from
const SOFT = 6; // pixels: how far ink fades at its edge

/** @typedef {{ colour: string, width: number, points: [number, number][] }} Stroke one of no width covers the field */

export class Ink {
  /**
   * @param {{ height: number, width: number, ground: string, colour: string, pen: number, onChange: () => void }} options
   *   height and width of the data in pixels; `pen` in those pixels
   */
  constructor({ height, width, ground, colour, pen, onChange }) {
    this.factor = Math.max(1, Math.round(LONGEST / Math.max(height, width)));
    this.ground = ground;
    this.colour = colour;
    this.pen = pen;
    this.onChange = onChange;
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Stroke | null} */
    this.stroke = null;
    const size = { width: width * this.factor, height: height * this.factor };
    this.canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { ...size, class: "ink", role: "img", "aria-label": "Field to draw on" }));
    this.dry = /** @type {HTMLCanvasElement} */ (h("canvas", size)); // the strokes that are done
    this.waiting = 0;
    for (const [event, listener] of Object.entries({ pointerdown: this.#begin, pointermove: this.#move, pointerup: this.#end, pointercancel: this.#end })) {
      this.canvas.addEventListener(event, (happened) => listener.call(this, /** @type {PointerEvent} */ (happened)));
    }
    this.#dryAll();
  }

  get isEmpty() { return this.strokes.length === 0 && this.stroke === null; }

  clear() { this.strokes = []; this.#dryAll(); this.onChange(); }

  undo() { this.strokes.pop(); this.#dryAll(); this.onChange(); }

  /** Cover the whole field with the colour. */
  cover() { this.strokes.push({ colour: this.colour, width: 0, points: [] }); this.#dryAll(); this.onChange(); }

  /** @param {string} ground what lies under the ink @param {string} colour */
  setColours(ground, colour) { this.ground = ground; this.colour = colour; this.#dryAll(); }

  /** @returns {Promise<Blob | null>} the drawing as PNG */
  toBlob() { return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png")); }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (event.button !== 0 || this.stroke) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.stroke = { colour: this.colour, width: this.pen * this.factor, points: [this.#at(event)] };
    this.#soon();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    this.stroke.points.push(...(passed.length ? passed : [event]).map((each) => this.#at(each)));
    this.#soon();
  }

  /** @param {PointerEvent} event */
  #end(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    this.strokes.push(this.stroke);
    this.#put(this.dry, this.stroke);
    this.stroke = null;
    this.#soon();
  }

  /** Where an event is, in pixels of the canvas. @param {PointerEvent} event @returns {[number, number]} */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * this.canvas.width / box.width, (event.clientY - box.top) * this.canvas.height / box.height];
  }

  #soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.#show(); this.onChange(); });
  }

  #dryAll() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.dry.getContext("2d"));
    context.fillStyle = this.ground;
    context.fillRect(0, 0, this.dry.width, this.dry.height);
    for (const stroke of this.strokes) this.#put(this.dry, stroke);
    this.#show();
  }

  #show() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.drawImage(this.dry, 0, 0);
    if (this.stroke) this.#put(this.canvas, this.stroke);
  }

  /** @param {HTMLCanvasElement} canvas @param {Stroke} stroke */
  #put(canvas, { colour, width, points }) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    if (width === 0) { context.fillStyle = colour; context.fillRect(0, 0, canvas.width, canvas.height); return; }
    context.save();
    Object.assign(context, { lineCap: "round", lineJoin: "round", strokeStyle: colour, lineWidth: width, shadowColor: colour, shadowBlur: SOFT });
    context.beginPath();
    context.moveTo(...points[0]);
    if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]);
    points.slice(1).forEach(([x, y], i) => { // through the middles, so that fast strokes bend instead of breaking
      const [beforeX, beforeY] = points[i];
      context.quadraticCurveTo(beforeX, beforeY, (beforeX + x) / 2, (beforeY + y) / 2);
    });
    context.lineTo(...points[points.length - 1]);
    context.stroke();
    context.restore();
  }
}
