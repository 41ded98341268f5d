// Which moment of the training is shown: the newest as it arrives, or one that was chosen; it stands in the address.

import { setQuery } from "../router.js";

const SETTLED = 250; // milliseconds without a change until it goes into the address: browsers refuse floods of changes
const LEAST = 1000, MOST = 5000; // milliseconds between two refreshes while following
const SHARE = 8; // how many times as long as drawing took, in between

/**
 * @typedef {{ step: number | null, isLive: boolean, isDrawn: Promise<any>, choose: (step: number) => void, follow: () => void,
 *   arrive: () => void }} Moment
 * `choose` shows a snapshot, `follow` the newest from now on, `arrive` says that the list of snapshots changed; `isDrawn` is
 * resolved when the pictures of the step are there.
 */

/**
 * @param {import("./state.js").State} state @param {URLSearchParams} query @param {() => void} changed called after each change
 * @param {AbortSignal} signal @returns {Moment}
 */
export function moment(state, query, changed, signal) {
  let writing = 0, waiting = 0;
  const asked = Number(query.get("step"));

  /** @param {number | null} step @param {boolean} isLive */
  function set(step, isLive) {
    const isSame = found.step === step && found.isLive === isLive;
    found.step = step;
    found.isLive = isLive;
    clearTimeout(writing);
    writing = setTimeout(() => setQuery({ step: isLive || step === null ? null : String(step) }), SETTLED);
    if (!isSame) changed();
  }

  /** Follow, but leave the machine to the training: pictures are drawn a part of the time only. */
  function arrive() {
    const { snapshots } = state, newest = snapshots.at(-1) ?? null;
    if (!found.isLive) {
      if (found.step !== null && !snapshots.includes(found.step)) set(nearest(snapshots, found.step), false);
      else changed();
      return;
    }
    if (waiting || newest === found.step) return changed();
    const began = performance.now();
    set(newest, true);
    waiting = -1;
    found.isDrawn.then(() => {
      const isRunning = state.summary.state === "running", took = performance.now() - began;
      waiting = setTimeout(() => { waiting = 0; if (found.isLive && found.step !== (state.snapshots.at(-1) ?? null)) arrive(); },
        isRunning ? Math.min(Math.max(LEAST, SHARE * took), MOST) : 0);
    });
  }

  /** @type {Moment} */
  const found = {
    step: state.snapshots.at(-1) ?? null, isLive: true, isDrawn: Promise.resolve(), choose: (step) => set(step, false),
    follow: () => set(state.snapshots.at(-1) ?? null, true), arrive,
  };
  if (query.has("step") && Number.isFinite(asked) && state.snapshots.length) {
    found.step = nearest(state.snapshots, asked);
    found.isLive = false;
  }
  signal.addEventListener("abort", () => { clearTimeout(writing); clearTimeout(waiting); });
  return found;
}

/** @param {number[]} steps @param {number} step @returns {number | null} */
const nearest = (steps, step) =>
  steps.reduce((/** @type {number | null} */ best, each) => (best === null || Math.abs(each - step) < Math.abs(best - step) ? each : best), null);
