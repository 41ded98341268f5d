// Questions to the decoder: one under way at a time, and the newest place wins.

import { connect, ofRun } from "../api.js";

/**
 * `isLatest`: whether nothing was asked since; an older answer is a picture to show, and no longer where one is.
 * @typedef {{ z: Float32Array, point: [number, number], picture: Uint8Array | Float32Array, isLatest: boolean }} Answer
 */

export class Decoder {
  /**
   * @param {string} run @param {{ latentDim: number, isImage: boolean }} model
   * @param {{ onAnswer: (answer: Answer) => void, onError: (sentence: string) => void, onLost: (isLost: boolean) => void }} handlers
   */
  constructor(run, { latentDim, isImage }, handlers) {
    Object.assign(this, { run, latentDim, isImage, handlers });
    this.number = 0;
    this.asked = 0;
    /** @type {{ kind: number, values: ArrayLike<number>, since: number } | null} */
    this.next = null;
    /** milliseconds from question to picture, the last thousand; for measuring */
    this.delays = [];
    this.answered = 0;
  }

  /** Look at the map of another projection. @param {string} method */
  open(method) {
    this.socket?.close();
    this.underWay = false;
    this.socket = connect(ofRun(this.run, `/decode?method=${method}`), {
      onMessage: (message) => this.#take(message),
      onOpen: () => { this.handlers.onLost(false); this.underWay = false; this.#send(); },
      onLost: () => { this.underWay = false; this.handlers.onLost(true); },
    });
  }

  /** @param {ArrayLike<number>} z */
  askLatent(z) { this.#ask(0, z); }

  /** @param {number} x @param {number} y */
  askPoint(x, y) { this.#ask(1, [x, y]); }

  close() { this.socket?.close(); }

  #ask(kind, values) {
    this.next = { kind, values, since: performance.now() };
    this.#send();
  }

  #send() {
    if (this.underWay || !this.next || !this.socket) return;
    const { kind, values, since } = this.next, message = new ArrayBuffer(8 + 4 * values.length);
    this.number = (this.number + 1) >>> 0;
    new Uint32Array(message, 0, 2).set([this.number, kind]);
    new Float32Array(message, 8).set(values);
    if (!this.socket.send(message)) return;
    this.next = null;
    this.underWay = true;
    this.asked = since;
  }

  #take(message) {
    this.underWay = false;
    if (!(message instanceof ArrayBuffer)) { this.handlers.onError(message.detail); this.#send(); return; }
    const size = this.latentDim, place = new Float32Array(message, 4, 2);
    const picture = this.isImage ? new Uint8Array(message, 12 + 4 * size) : new Float32Array(message, 12 + 4 * size);
    this.handlers.onAnswer({ z: new Float32Array(message, 12, size), point: [place[0], place[1]], picture, isLatest: !this.next });
    this.answered += 1;
    this.delays.push(performance.now() - this.asked);
    if (this.delays.length > 1000) this.delays.shift();
    this.#send();
  }
}
