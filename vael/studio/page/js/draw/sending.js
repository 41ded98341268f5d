// A drawing on its way to the model while it is drawn: one at a time, the newest next.

import { connect, ofRun } from "../api.js";

/**
 * @param {string} run
 * @param {{ wait: (is: boolean) => void, picture: () => Promise<Blob | null> | null, flags: () => number, onAnswer: (found: any) => void, signal: AbortSignal }} options
 *   `picture` gives null where there is nothing to send; `flags` are the first byte, see routes/latent.py
 * @returns {{ changed: () => void }} to be called when the drawing or a flag changed
 */
export function sending(run, { wait, picture, flags, onAnswer, signal }) {
  let changes = 0, sent = 0, isFree = false;
  const pump = async () => {
    if (!isFree || sent === changes || signal.aborted) return;
    const drawn = picture();
    if (drawn === null) return;
    isFree = false;
    const number = changes, image = await drawn;
    if (image !== null && socket.send(new Blob([new Uint8Array([flags()]), image]))) { sent = number; wait(true); }
    else isFree = true;
  };
  const socket = connect(ofRun(run, "/drawing"), {
    onOpen: () => { isFree = true; sent = -1; pump(); },
    onLost: () => { isFree = false; },
    onMessage: (found) => { isFree = !found.final; wait(false); onAnswer(found); pump(); },
  });
  signal.addEventListener("abort", () => socket.close());
  return { changed: () => { changes += 1; pump(); } };
}
