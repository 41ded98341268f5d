// What can be done with a run, from any page: stop, go on, rename, delete.

import { call, ofRun } from "./api.js";
import { href } from "./router.js";
import { ask, tell, toast } from "./toast.js";

/**
 * @typedef {{ name: string, state: string, epochs: number | null }} Run as GET /api/runs lists it
 * @typedef {{ busy?: (name: string, word: string | null) => void, done: (name: string | null) => void }} Then
 * `busy` shows what is under way; `done` is called after a change with the name that the run has now, null where it is gone.
 */

const RESUMABLE = ["interrupted", "killed", "failed", "created"];

/** The actions that a run's state allows. @param {Run} run @param {Then} then @returns {import("./menu.js").Item[]} */
export function actionsOf(run, then) {
  const items = [];
  if (run.state === "running") items.push({ text: "Stop", act: () => stop(run, then) });
  if (RESUMABLE.includes(run.state)) items.push({ text: "Resume", act: () => resume(run, null, then).catch(tell) });
  if (run.state === "finished") items.push({ text: "Train on…", act: () => trainOn(run, then) });
  if (run.state !== "damaged") items.push({ text: "Train a variation", act: () => { location.hash = href(null, "train", { from: run.name }); } });
  if (run.state !== "running") {
    items.push({ text: "Rename…", act: () => rename(run, then) });
    items.push({ text: "Delete…", act: () => remove([run.name], then), danger: true });
  }
  return items;
}

/** @param {Run} run @param {Then} then */
async function stop({ name }, { busy, done }) {
  busy?.(name, "stopping");
  try { await call(ofRun(name, "/stop"), { method: "POST" }); }
  catch (error) { busy?.(name, null); tell(error); }
  done(name);
}

/** Returns when the run is being trained again, some seconds later. @param {Run} run @param {number | null} epochs @param {Then} then */
async function resume({ name }, epochs, { busy, done }) {
  busy?.(name, "resuming");
  try { await call(ofRun(name, "/resume"), { method: "POST", body: { epochs } }); }
  finally { busy?.(name, null); done(name); }
}

/** @param {Run} run @param {Then} then */
function trainOn(run, then) {
  const before = run.epochs ?? 0;
  return ask({
    title: `Train ${run.name} on`, text: `It was trained for ${before} epochs. How many shall it be in all?`, yes: "Train on",
    label: "Epochs in all", value: String(Math.max(2 * before, 1)), type: "number",
    check: (word) => {
      const epochs = Number(word);
      if (!Number.isInteger(epochs) || epochs <= before) throw new Error(`It takes a whole number above ${before}.`);
      return resume(run, epochs, then);
    },
  });
}

/** @param {Run} run @param {Then} then */
function rename({ name }, { done }) {
  return ask({
    title: `Rename ${name}`, yes: "Rename", label: "New name", value: name,
    check: async (word) => { if (word !== name) done((await call(ofRun(name), { method: "PATCH", body: { name: word } })).name); },
  });
}

/** Ask, then delete. @param {string[]} names @param {Then} then */
export async function remove(names, { done }) {
  const many = names.length > 1, listed = names.slice(0, 6).join(", ") + (names.length > 6 ? ` and ${names.length - 6} more` : "");
  let left = names;
  const isDone = await ask({
    title: many ? `Delete ${names.length} runs?` : `Delete ${names[0]}?`, yes: "Delete for good", danger: true,
    text: `${many ? `${listed}: their` : "Its"} weights, records and pictures are deleted for good.`,
    check: async () => {
      const errors = [];
      for (const name of left) {
        try { await call(ofRun(name), { method: "DELETE" }); }
        catch (error) { errors.push({ name, error }); }
      }
      left = errors.map(({ name }) => name);
      done(null);
      if (errors.length) throw errors[0].error;
    },
  });
  if (isDone) toast(many ? `${names.length} runs are deleted` : `${names[0]} is deleted`);
}
