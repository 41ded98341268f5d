// One kind of picture of the chosen moment, in a frame that keeps its size whatever it shows.

import { fill, h, icon, ICONS } from "../dom.js";

const PATIENCE = 150; // milliseconds until one says that a picture is on its way

/**
 * @param {any} detail what GET /api/runs/NAME says
 * @returns {{ kind: string, title: string, hint: string, ratio: number }[]} the kinds that the run can show; width / height of each
 */
export function kindsOf({ observation, latent_dim: latentDim, settings }) {
  const { shape, is_image: isImage } = observation;
  const side = isImage ? shape[2] / shape[1] : 1.55;
  const numExamples = (settings["training.snapshot_examples"]?.match(/\d+/g) ?? []).length || 1;
  const found = [
    { kind: "samples", title: "Samples", hint: isImage ? "fixed draws of the prior" : "each column's histogram, beside the data's", ratio: side },
    { kind: "manifold", title: "Plane", hint: "the first two latent dimensions", ratio: side },
    { kind: "embeddings", title: "Embeddings", hint: "in the newest one's plane", ratio: isImage ? 1.06 : 1.55 },
    { kind: "reconstructions", title: "Reconstructions", hint: isImage ? "originals above" : "reconstruction against original", ratio: isImage ? (numExamples * side) / 2 : 1.55 },
  ];
  return found.filter(({ kind }) => latentDim >= 2 || !["manifold", "embeddings"].includes(kind));
}

/**
 * @param {{ kind: string, title: string, hint: string, ratio: number }} what @param {string} run
 * @param {{ get: (where: string) => Promise<HTMLImageElement> }} frames @param {AbortSignal} signal
 */
export function picture({ kind, title, hint, ratio }, run, frames, signal) {
  const place = h("div", { class: "live-frame", style: { aspectRatio: String(ratio) } });
  const saving = h("a", { class: "button quiet icon", title: "Save", "aria-label": `Save the ${title.toLowerCase()}` }, icon(ICONS.save));
  const element = h("figure", { class: `live-picture ${kind}` }, h("figcaption", null, h("h3", null, title), h("small", { class: "muted", title: hint }, hint), saving), place);
  let wanted = "", words = "", shown = "", isBusy = false;

  /** Show the picture of an address; where another one was asked for meanwhile, the newest wins. @param {string} where @param {string} moment @param {number} step */
  async function show(where, moment, step) {
    wanted = where;
    words = `${title} at ${moment}`;
    saving.setAttribute("href", where);
    saving.setAttribute("download", `${run}-${kind}-${step}.png`);
    if (isBusy) return;
    isBusy = true;
    while (wanted !== shown && !signal.aborted) await load(wanted);
    isBusy = false;
    place.classList.remove("waiting");
    place.firstElementChild?.setAttribute("alt", words);
  }

  /** @param {string} where */
  async function load(where) {
    const timer = setTimeout(() => place.classList.add("waiting"), PATIENCE);
    try {
      const image = await frames.get(where);
      image.alt = words;
      fill(place, image);
    } catch (error) {
      fill(place, h("p", { class: "small muted" }, error.message));
    }
    clearTimeout(timer);
    shown = where;
  }

  return { element, kind, show };
}
