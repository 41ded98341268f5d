// A map of many points: pan, zoom, point. Ten thousand dots are set pixel by pixel, about 2 ms a frame, so nothing stutters.

import { colour, FONT, pageColour } from "./theme.js";

/** Cividis, the colour map of amounts (Nuñez, Anderton & Renslow 2018), at nine places. */
const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#fee838"];

/** @typedef {{ points: Float32Array, groups: Uint16Array | null, amounts: Float32Array | null }} Cloud */

export class ScatterMap {
  /**
   * @param {HTMLElement} place where it fills the whole box
   * @param {{ label: string, signal: AbortSignal, onPoint: (x: number, y: number) => void,
   *   onPick: (example: number | null, event: { shift: boolean, x: number, y: number }) => void }} options
   *   `onPoint` is told each place the pointer goes to, `onPick` each click: the example under it, if any
   */
  constructor(place, { label, signal, onPoint, onPick }) {
    this.onPoint = onPoint;
    this.onPick = onPick;
    /** @type {Cloud} */
    this.cloud = { points: new Float32Array(), groups: null, amounts: null };
    this.view = { x: 0, y: 0, scale: 1 };
    this.home = { x: 0, y: 0, scale: 1 };
    this.rings = false;
    /** @type {number | null} the only group in full colour */
    this.chosenGroup = null;
    /** @type {{ here: number[] | null, example: number[] | null, start: number[] | null, end: number[] | null, path: number[][] }} */
    this.marks = { here: null, example: null, start: null, end: null, path: [] };
    this.dots = document.createElement("canvas");
    this.over = document.createElement("canvas");
    this.dots.setAttribute("aria-hidden", "true");
    this.over.tabIndex = 0;
    this.over.setAttribute("role", "application");
    this.over.setAttribute("aria-label", label);
    place.classList.add("scatter");
    this.ring = document.createElement("i");
    this.ring.className = "here";
    this.ring.hidden = true;
    place.replaceChildren(this.dots, this.over, this.ring);
    this.place = place;
    this.#listen(signal);
    const sized = new ResizeObserver(() => this.#resize());
    sized.observe(place);
    signal.addEventListener("abort", () => sized.disconnect());
    window.addEventListener("theme", () => this.draw(), { signal });
    this.#resize();
  }

  /** Show other points, all of them in view. @param {Cloud} cloud @param {boolean} rings circles of the prior at 1, 2, 3 */
  show(cloud, rings) {
    this.cloud = cloud;
    this.rings = rings;
    this.#order();
    this.#findHome();
    this.view = { ...this.home };
    this.draw();
  }

  /** Change what is marked. @param {Partial<ScatterMap["marks"]>} marks */
  mark(marks) {
    Object.assign(this.marks, marks);
    this.#later("over");
  }

  /** Mark where one is: an element of its own, so that a moving pointer repaints no canvas. @param {number[] | null} point */
  markHere(point) {
    this.marks.here = point;
    this.ring.hidden = point === null;
    if (point === null) return;
    const [x, y] = this.#toScreen(point[0], point[1]);
    this.ring.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** @param {number | null} group */
  choose(group) {
    this.chosenGroup = group;
    this.#order();
    this.draw();
  }

  reset() { this.view = { ...this.home }; this.draw(); }

  /** @param {number} factor @param {number} [x] @param {number} [y] the place on the screen that stays */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const scale = Math.min(Math.max(this.view.scale * factor, this.home.scale * 0.4), this.home.scale * 200);
    const [px, py] = this.#toMap(x, y);
    this.view = { scale, x: px - (x - this.width / 2) / scale, y: py + (y - this.height / 2) / scale };
    this.draw();
  }

  draw() { this.#later("dots"); this.#later("over"); }

  /** The whole map as one canvas, to be saved. */
  picture() {
    const whole = document.createElement("canvas");
    whole.width = this.dots.width;
    whole.height = this.dots.height;
    const context = /** @type {CanvasRenderingContext2D} */ (whole.getContext("2d"));
    context.drawImage(this.dots, 0, 0);
    context.drawImage(this.over, 0, 0);
    return whole;
  }

  /** The example nearest to a place on the screen, if it is near. @param {number} x @param {number} y @param {number} [within] pixels */
  nearest(x, y, within = 14) {
    const [px, py] = this.#toMap(x, y), { points } = this.cloud;
    let best = -1, least = (within / this.view.scale) ** 2;
    for (let i = 0; i < points.length; i += 2) {
      const distance = (points[i] - px) ** 2 + (points[i + 1] - py) ** 2;
      if (distance < least) { least = distance; best = i / 2; }
    }
    return best < 0 ? null : best;
  }

  #toMap(x, y) { return [this.view.x + (x - this.width / 2) / this.view.scale, this.view.y - (y - this.height / 2) / this.view.scale]; }
  #toScreen(px, py) { return [this.width / 2 + (px - this.view.x) * this.view.scale, this.height / 2 - (py - this.view.y) * this.view.scale]; }

  #findHome() {
    const { points } = this.cloud;
    const span = (offset) => {
      const values = points.filter((_, i) => i % 2 === offset).sort();
      if (values.length === 0) return [-1, 1];
      const cut = Math.floor(values.length * 0.001);
      return [values[cut], values[values.length - 1 - cut]];
    };
    const [left, right] = span(0), [low, high] = span(1);
    const scale = 0.92 * Math.min(this.width / Math.max(right - left, 1e-6), this.height / Math.max(high - low, 1e-6));
    this.home = { x: (left + right) / 2, y: (low + high) / 2, scale: Number.isFinite(scale) && scale > 0 ? scale : 1 };
  }

  /** Draw the points in an order that hides no group behind another: mixed up, the chosen group last. */
  #order() {
    const count = this.cloud.points.length / 2, order = new Uint32Array(count);
    for (let i = 0; i < count; i += 1) order[i] = i;
    let state = 12345;
    for (let i = count - 1; i > 0; i -= 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const j = state % (i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    const { groups } = this.cloud, chosen = this.chosenGroup;
    this.order = groups && chosen !== null
      ? Uint32Array.from([...order.filter((i) => groups[i] !== chosen), ...order.filter((i) => groups[i] === chosen)]) : order;
  }

  #resize() {
    const box = this.place.getBoundingClientRect();
    if (box.width === 0) return;
    const wasHome = this.view.scale === this.home.scale && this.view.x === this.home.x;
    this.width = box.width;
    this.height = box.height;
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of [this.dots, this.over]) {
      canvas.width = Math.round(box.width * this.ratio);
      canvas.height = Math.round(box.height * this.ratio);
    }
    this.#findHome();
    if (wasHome) this.view = { ...this.home };
    this.#drawDots();
    this.#drawOver();
  }

  /** @param {"dots" | "over"} layer */
  #later(layer) {
    this.due ??= new Set();
    if (this.due.size === 0) {
      requestAnimationFrame(() => {
        const due = this.due ?? new Set();
        this.due = new Set();
        if (due.has("dots")) this.#drawDots();
        if (due.has("over")) this.#drawOver();
      });
    }
    this.due.add(layer);
  }

  /** The colour of each group or amount as 0xBBGGRR, and which points are faded. */
  #colours() {
    const { groups, amounts, points } = this.cloud, count = points.length / 2;
    const colours = new Uint32Array(count);
    if (groups) {
      const table = Array.from({ length: 10 }, (_, i) => packed(colour(i)));
      for (let i = 0; i < count; i += 1) colours[i] = table[groups[i] % 10];
    } else if (amounts) {
      const known = Array.from(amounts).filter(Number.isFinite).sort((a, b) => a - b);
      const low = known[Math.floor(known.length * 0.01)] ?? 0, high = known[Math.floor(known.length * 0.99)] ?? 1;
      const table = CIVIDIS.map(packed);
      for (let i = 0; i < count; i += 1) {
        const place = Math.min(Math.max((amounts[i] - low) / Math.max(high - low, 1e-9), 0), 1);
        colours[i] = table[Math.round(place * (table.length - 1))];
      }
    } else {
      colours.fill(packed(colour(0)));
    }
    return colours;
  }

  #drawDots() {
    const { width, height } = this.dots, { points, groups } = this.cloud;
    const context = /** @type {CanvasRenderingContext2D} */ (this.dots.getContext("2d"));
    const image = context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    const background = packed(pageColour("background"));
    pixels.fill(0xff000000 | background);
    const zoomed = Math.sqrt(this.view.scale / this.home.scale), crowd = points.length / 2 > 4000 ? 1.7 : 2.6;
    const radius = Math.min(Math.max(crowd * zoomed, 1.4), 6) * (this.ratio ?? 1);
    const mask = discMask(radius), colours = this.#colours(), reach = (mask.side - 1) / 2;
    const scale = this.view.scale * this.ratio, left = width / 2 - this.view.x * scale, top = height / 2 + this.view.y * scale;
    for (const i of this.order ?? []) {
      const x = Math.round(left + points[2 * i] * scale), y = Math.round(top - points[2 * i + 1] * scale);
      if (x < -reach || y < -reach || x > width + reach || y > height + reach) continue;
      const faded = this.chosenGroup !== null && groups && groups[i] !== this.chosenGroup;
      blend(pixels, width, height, x - reach, y - reach, mask, colours[i], faded ? 0.1 : 0.82);
    }
    context.putImageData(image, 0, 0);
  }

  #drawOver() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.over.getContext("2d"));
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const ink = pageColour("ink"), accent = pageColour("accent"), background = pageColour("background");
    if (this.rings) this.#drawRings(context);
    const { example, start, end, path } = this.marks;
    if (path.length > 1) {
      context.beginPath();
      path.forEach(([x, y], i) => (i === 0 ? context.moveTo(...this.#toScreen(x, y)) : context.lineTo(...this.#toScreen(x, y))));
      for (const [style, width] of /** @type {[string, number][]} */ ([[background, 5], [ink, 2]])) {
        context.strokeStyle = style;
        context.lineWidth = width;
        context.stroke();
      }
    }
    const ring = (point, radius, style, text = "") => {
      if (!point || !Number.isFinite(point[0])) return;
      const [x, y] = this.#toScreen(point[0], point[1]);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      for (const [stroke, width] of /** @type {[string, number][]} */ ([[background, 5], [style, 2.5]])) {
        context.strokeStyle = stroke;
        context.lineWidth = width;
        context.stroke();
      }
      if (!text) return;
      context.fillStyle = style;
      context.fill();
      context.fillStyle = background;
      context.font = `700 11px ${FONT}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(text, x, y + 0.5);
    };
    ring(example, 9, ink);
    ring(start, 9, accent, "A");
    ring(end, 9, accent, "B");
    this.markHere(this.marks.here);
  }

  /** The prior's circles: 1, 2 and 3 standard deviations from the mean. @param {CanvasRenderingContext2D} context */
  #drawRings(context) {
    const [x, y] = this.#toScreen(0, 0);
    context.strokeStyle = pageColour("muted");
    context.globalAlpha = 0.55;
    context.lineWidth = 1;
    for (const radius of [1, 2, 3]) {
      context.beginPath();
      context.arc(x, y, radius * this.view.scale, 0, 2 * Math.PI);
      context.setLineDash([2, 4]);
      context.stroke();
    }
    context.setLineDash([]);
    context.fillStyle = pageColour("ink");
    context.strokeStyle = pageColour("background");
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.font = `11px ${FONT}`;
    context.textAlign = "center";
    context.globalAlpha = 1;
    for (const radius of [1, 2, 3]) {
      context.strokeText(`${radius} σ`, x, y - radius * this.view.scale - 4);
      context.fillText(`${radius} σ`, x, y - radius * this.view.scale - 4);
    }
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    /** @type {Map<number, { x: number, y: number }>} */
    const held = new Map();
    let moved = 0, pinch = 0;
    /** @type {DOMRect | null} where the map stands; asking at each move makes the browser lay the page out */
    let box = null;
    for (const event of ["scroll", "resize"]) window.addEventListener(event, () => { box = null; }, { signal, capture: true, passive: true });
    new ResizeObserver(() => { box = null; }).observe(this.over);
    const at = (event) => {
      box ??= this.over.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const follow = ({ x, y }) => this.#go(...this.#toMap(x, y));
    const on = (name, handler, options = {}) => this.over.addEventListener(name, handler, { signal, ...options });
    on("pointerenter", () => { box = null; });
    on("pointerdown", (event) => {
      this.over.setPointerCapture(event.pointerId);
      held.set(event.pointerId, at(event));
      moved = 0;
      if (event.pointerType === "touch" && held.size === 1) follow(at(event));
    });
    // Raw updates come at once, moves only with the next frame: the picture is there a frame earlier.
    const isRaw = "onpointerrawupdate" in this.over;
    if (isRaw) on("pointerrawupdate", (event) => { if (!held.has(event.pointerId)) follow(at(event)); });
    on("pointermove", (event) => {
      const now = at(event), before = held.get(event.pointerId);
      if (!before) { if (!isRaw || !event.isTrusted) follow(now); return; }
      moved += Math.hypot(now.x - before.x, now.y - before.y);
      held.set(event.pointerId, now);
      if (held.size === 2) {
        const [a, b] = [...held.values()], distance = Math.hypot(a.x - b.x, a.y - b.y);
        if (pinch > 0) this.zoom(distance / pinch, (a.x + b.x) / 2, (a.y + b.y) / 2);
        pinch = distance;
        this.#pan((now.x - before.x) / 2, (now.y - before.y) / 2);
      } else if (event.pointerType === "touch") {
        follow(now);
      } else if (moved > 3) {
        this.over.classList.add("panning");
        this.#pan(now.x - before.x, now.y - before.y);
      }
    });
    const release = (event) => {
      const place = held.get(event.pointerId);
      held.delete(event.pointerId);
      pinch = 0;
      this.over.classList.remove("panning");
      if (place && moved <= 3 && event.type === "pointerup") this.#pick(place.x, place.y, event.shiftKey);
    };
    on("pointerup", release);
    on("pointercancel", release);
    on("dblclick", (event) => { event.preventDefault(); const { x, y } = at(event); this.zoom(2, x, y); });
    on("wheel", (event) => {
      event.preventDefault();
      const { x, y } = at(event);
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)), x, y);
    }, { passive: false });
    on("keydown", (event) => this.#key(event));
  }

  /** Go to a place of the map; the mark is there before the answer, so that the next key goes on from it. */
  #go(x, y) {
    this.markHere([x, y]);
    this.onPoint(x, y);
  }

  #pick(x, y, shift) {
    const [px, py] = this.#toMap(x, y);
    this.onPick(this.nearest(x, y), { shift, x: px, y: py });
  }

  #pan(dx, dy) {
    this.view = { ...this.view, x: this.view.x - dx / this.view.scale, y: this.view.y + dy / this.view.scale };
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = (event.shiftKey ? 24 : 6) / this.view.scale;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    const [x, y] = this.marks.here ?? [this.view.x, this.view.y];
    if (event.key in moves) this.#go(x + moves[event.key][0], y + moves[event.key][1]);
    else if (event.key === "+" || event.key === "=") this.zoom(1.4);
    else if (event.key === "-") this.zoom(1 / 1.4);
    else if (event.key === "0") this.reset();
    else if (event.key === "Enter") this.#pick(...this.#toScreen(x, y), event.shiftKey);
    else return;
    event.preventDefault();
  }
}

/** #rrggbb as 0xBBGGRR, which is how a pixel lies in memory. @param {string} text */
function packed(text) {
  const value = parseInt(text.slice(1), 16);
  return ((value & 255) << 16) | (value & 0xff00) | (value >> 16);
}

/** @type {Map<number, { side: number, cover: Float32Array }>} */
const masks = new Map();

/** How much of each pixel a disc covers. @param {number} radius pixels */
function discMask(radius) {
  const key = Math.round(radius * 4) / 4;
  let mask = masks.get(key);
  if (!mask) {
    const reach = Math.ceil(key), side = 2 * reach + 1, cover = new Float32Array(side * side);
    for (let y = 0; y < side; y += 1) {
      for (let x = 0; x < side; x += 1) cover[y * side + x] = Math.min(Math.max(key + 0.5 - Math.hypot(x - reach, y - reach), 0), 1);
    }
    mask = { side, cover };
    masks.set(key, mask);
  }
  return mask;
}

function blend(pixels, width, height, left, top, { side, cover }, ink, opacity) {
  const r = ink & 255, g = (ink >> 8) & 255, b = (ink >> 16) & 255;
  for (let dy = 0; dy < side; dy += 1) {
    const y = top + dy;
    if (y < 0 || y >= height) continue;
    for (let dx = 0; dx < side; dx += 1) {
      const x = left + dx, share = cover[dy * side + dx] * opacity;
      if (share === 0 || x < 0 || x >= width) continue;
      const at = y * width + x, under = pixels[at], rest = 1 - share;
      pixels[at] = 0xff000000 | ((b * share + ((under >> 16) & 255) * rest) << 16)
        | (((g * share + ((under >> 8) & 255) * rest) & 255) << 8) | ((r * share + (under & 255) * rest) & 255);
    }
  }
}
