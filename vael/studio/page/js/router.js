// Where one is, in the address: #/runs/NAME/VIEW?z=…; so that every place can be linked, and Back works.

/** @typedef {{ page: string, run: string | null, view: string, query: URLSearchParams }} Place */

/** @returns {Place} */
export function place() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  const search = new URLSearchParams(query);
  if (parts[0] === "runs" && parts[1]) return { page: "run", run: parts[1], view: parts[2] ?? "live", query: search };
  return { page: parts[0] ?? "runs", run: null, view: "", query: search };
}

/** The address of a place. @param {string | null} run @param {string} view @param {Record<string, string>} [query] */
export function href(run, view = "", query = {}) {
  const search = new URLSearchParams(query).toString();
  const path = run === null ? `#/${view}` : `#/runs/${encodeURIComponent(run)}/${view}`;
  return search ? `${path}?${search}` : path;
}

/** Change the query of the address in place, without a new entry in the history. @param {Record<string, string | null>} changes */
export function setQuery(changes) {
  const here = place();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) here.query.delete(key);
    else here.query.set(key, value);
  }
  const path = location.hash.split("?", 1)[0] || "#/";
  const search = here.query.toString();
  history.replaceState(null, "", search ? `${path}?${search}` : path);
}
