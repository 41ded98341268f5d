// What the page knows of a run, and how what the studio sends changes it.

/** @typedef {{ split: string, step: number, epoch?: number } & Record<string, any>} Measured a line of metrics.jsonl */
/** @typedef {{ tone: "good" | "note" | "warning", title: string, text: string, kind: string }} Finding */
/**
 * @typedef {{ summary: any, records: Measured[], snapshots: number[], findings: Finding[], skipped: string[], log: string[],
 *   secondsLeft: number | null, speed: number | null, since: number, isKnown: boolean, isExact: boolean }} State
 * `since` is when `secondsLeft` was said; `isKnown` whether the studio has told all there is; `isExact` whether the run is
 * solved in one step.
 */

const MOST = 6000; // records kept; more than charts have pixels

/** @param {any} detail what GET /api/runs/NAME says @returns {State} */
export function begin(detail) {
  return {
    summary: detail.summary, records: [], snapshots: detail.snapshots, findings: [], skipped: [], log: [], secondsLeft: null,
    speed: null, since: performance.now(), isKnown: false, isExact: detail.settings["training.method"] === "pca",
  };
}

/**
 * Take in what the studio sent and say what it changed; `isFirst`: what came before is forgotten.
 * @param {State} state @param {any} message @param {boolean} isFirst @returns {Set<string>}
 */
export function take(state, message, isFirst) {
  const changed = new Set(Object.keys(message));
  if (isFirst || message.restarted) {
    state.records = [];
    state.skipped = [];
    changed.add("records").add("skipped");
  }
  if (message.records) state.records = thinned(state.records.concat(message.records));
  if (message.skipped) state.skipped = state.skipped.concat(message.skipped).slice(-20);
  for (const key of ["summary", "snapshots", "findings", "log"]) if (message[key]) state[key] = message[key];
  if ("examples_per_second" in message) state.speed = message.examples_per_second;
  if ("seconds_left" in message || message.records) state.since = performance.now();
  if ("seconds_left" in message) state.secondsLeft = message.seconds_left;
  state.isKnown = true;
  return changed;
}

/** Leave out every second of the older records once there are too many. @param {Measured[]} records */
function thinned(records) {
  if (records.length <= MOST) return records;
  const places = {};
  return records.filter((record, place) => {
    places[record.split] = (places[record.split] ?? 0) + 1;
    return place > records.length - MOST / 4 || places[record.split] % 2 === 0;
  });
}

/** @param {State} state @returns {number | null} steps of one epoch, if anything says how many */
export function stepsPerEpoch({ summary, records, isExact }) {
  if (isExact) return 1;
  if (summary.total_steps && summary.epochs) return summary.total_steps / summary.epochs;
  const last = records.findLast((record) => record.split !== "train") ?? records.at(-1);
  return last?.epoch ? last.step / last.epoch : null;
}

/** @param {State} state @param {number} step @returns {number | null} the step in epochs */
export function epochAt(state, step) {
  const steps = stepsPerEpoch(state);
  return steps ? step / steps : step === 0 ? 0 : null;
}

/** A moment in words: untrained, step 29, epoch 1.2. @param {State} state @param {number} step */
export function nameMoment(state, step) {
  if (step === 0) return "untrained";
  const epoch = epochAt(state, step);
  const words = `step ${step.toLocaleString("en-US")}`;
  return epoch === null ? words : `${words}, epoch ${shortEpoch(epoch)}`;
}

/** @param {number} epoch */
export const shortEpoch = (epoch) =>
  Number(epoch < 1 ? epoch.toPrecision(1) : epoch < 100 ? epoch.toFixed(1) : epoch.toFixed(0)).toLocaleString("en-US", { maximumFractionDigits: 6 });

/** The last held-out record and the one before; of the training where nothing was held out. @param {State} state @returns {Measured[]} */
export function judged({ records }) {
  const last = records.findLast((record) => record.split !== "train") ?? records.at(-1);
  if (!last) return [];
  const before = records.findLast((record) => record.split === last.split && record.step < last.step);
  return before ? [last, before] : [last];
}

/** The last held-out record up to a step. @param {State} state @param {number} step @returns {Measured | undefined} */
export const judgedAt = ({ records }, step) => records.findLast((record) => record.split !== "train" && record.step <= step);

/** The points of one line, those that are finite. @param {State} state @param {(split: string) => boolean} isMeant @param {string} key */
export function line(state, isMeant, key) {
  const steps = stepsPerEpoch(state) ?? 1, x = [], y = [];
  for (const record of state.records) {
    if (!isMeant(record.split) || !Number.isFinite(record[key])) continue;
    x.push(record.step / steps);
    y.push(record[key]);
  }
  return { x, y };
}
