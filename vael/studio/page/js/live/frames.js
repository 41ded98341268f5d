// Pictures of moments, kept once they were fetched and decoded, so that the next one is there without a flash.

import { call, ofRun } from "../api.js";
import { theme } from "../theme.js";

const MOST = 256; // pictures kept

/** @param {string} run */
export function frames(run) {
  /** @type {Map<string, Promise<HTMLImageElement>>} */
  const kept = new Map();

  /** The address of a picture; embeddings are drawn in the plane of the newest snapshot, so they change with it. @param {string} kind @param {number} step @param {number} newest */
  const address = (kind, step, newest) =>
    ofRun(run, `/snapshots/${step}/${kind}.png?theme=${theme()}${kind === "embeddings" ? `&newest=${newest}` : ""}`);

  /** @param {string} where @returns {Promise<HTMLImageElement>} the picture, decoded; refused with the studio's own words */
  function get(where) {
    let found = kept.get(where);
    if (found) {
      kept.delete(where); // the one used last goes to the end
    } else {
      found = fetched(where);
      found.catch(() => kept.delete(where));
    }
    kept.set(where, found);
    if (kept.size > MOST) kept.delete(/** @type {string} */ (kept.keys().next().value));
    return found;
  }

  return { address, get };
}

/** @param {string} where */
async function fetched(where) {
  const image = new Image();
  image.src = where;
  try {
    await image.decode();
  } catch {
    await call(where); // says why, where the studio refused
    throw new Error("The picture cannot be shown.");
  }
  return image;
}
