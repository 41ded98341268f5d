// Cluster: groups that nobody has labelled, each by its centre and its members.

import { asking } from "../draw/fields.js";
import { fill, h } from "../dom.js";
import { number, short, whole } from "../format.js";
import { href, setQuery } from "../router.js";
import { again, amount, answer, choice, controls } from "./form.js";
import { canvases, rowsOf } from "./pictures.js";

const USUAL = 10;
const WORDS = {
  prior: "the prior's own components", "k-means": "k-means", "gaussian-mixture": "a mixture of normals",
  spectral: "the overlap of many normals",
};
const MEASURES = { accuracy: "Accuracy", nmi: "NMI", ari: "ARI" };

/** @param {import("../views/use.js").Bench} bench */
export function show(bench) {
  const { root, run, detail, offer, query, signal } = bench, isImage = detail.observation.is_image;
  const form = controls("Group what nobody has labelled"), result = answer("Encoding the examples and fitting the clusters …");
  const { ask } = asking({ run, wait: result.wait, signal }, {
    onFound: (found) => { form.say(""); fill(result.place, head(found), isImage ? pictures(found) : rows(found)); },
    onError: (error) => { form.say(error.message); fill(result.place); },
  });
  const go = () => {
    const isPrior = method.value === "prior";
    count.element.hidden = other.element.hidden = isPrior;
    ask(`/clusters?${new URLSearchParams({ method: method.value, seed: String(other.seed), ...(isPrior ? {} : { num_clusters: String(count.value) }) })}`, {});
  };
  const usual = offer.methods.find(({ name, misfit }) => name === "prior" && !misfit)?.name ?? "gaussian-mixture";
  const method = choice("By", offer.methods.map(({ name, misfit }) => ({ name, misfit, text: WORDS[name] })), query.get("method") ?? usual, (value) => { setQuery({ method: value === usual ? null : value }); go(); });
  const asked = Number(query.get("clusters"));
  const count = amount("Clusters", { min: 1, max: 50, step: 1, value: asked >= 1 && asked <= 50 ? asked : USUAL }, (value) => { setQuery({ clusters: value === USUAL ? null : String(value) }); go(); });
  const other = again("Other start", query, go);
  const why = offer.methods.find(({ misfit }) => misfit)?.misfit;
  form.fill(method.element, why && h("p", { class: "small muted" }, why), count.element, h("div", { class: "row" }, other.element));
  root.append(form.element, result.element);
  go();

  /** How well the clusters meet the labels. @param {any} found */
  function head(found) {
    const { agreement } = found;
    const cell = (key) => h("div", null, h("span", { class: "small muted" }, MEASURES[key]), h("b", null, number(agreement[key], 3)), h("span", { class: "small muted" }, `± ${number(agreement[`${key}_se`], 3)}`));
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, `${found.clusters.length} clusters of ${whole(found.count)} examples`), h("span", { class: "small muted" }, `${found.split} split, by ${WORDS[found.method]}`)),
      agreement ? [h("div", { class: "figures-row" }, Object.keys(MEASURES).map(cell)), h("p", { class: "small muted" }, "Against the labels, which were not used; 1 is perfect. ± the bootstrap's standard error.")]
        : h("p", { class: "muted" }, "The data have no labels to compare with."));
  }

  /** @param {any} cluster @param {number} place */
  const named = (cluster, place) => h("div", { class: "who" }, h("b", null, `${place} · ${whole(cluster.size)}`), cluster.label !== null && h("span", { class: "small muted" }, `“${cluster.label}” ${number(100 * cluster.share, 0)} %`));

  /** @param {any} found */
  function pictures(found) {
    const centers = canvases(found.centers, (i) => `Centre of cluster ${i}`), examples = found.clusters.flatMap((cluster) => cluster.members);
    const members = canvases(found.pictures, (i) => `Example ${examples[i]}`);
    let at = 0;
    const row = (cluster, i) => h("div", { class: "cluster" }, named(cluster, i), centers[i], h("div", { class: "members" }, cluster.members.length === 0 && h("span", { class: "small muted" }, "nobody"),
      cluster.members.map((example) => h("a", { href: href(run, "explore", { example: String(example) }), "aria-label": `Example ${example}` }, members[at++]))));
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, "Centres and members"), h("span", { class: "small muted" }, `number · size${found.agreement ? ", most frequent label" : ""} · decoded centre · nearest members`)), found.clusters.map(row));
  }

  /** @param {any} found */
  function rows(found) {
    const centers = rowsOf(found.centers);
    const line = (column, j) => h("tr", null, h("td", null, column), centers.map((row) => h("td", { class: "number" }, short(row[j]))));
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, "Centres"), h("span", { class: "small muted" }, "number · size")), h("div", { class: "scroll-x" }, h("table", { class: "blamed-rows" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Column"), found.clusters.map((cluster, i) => h("th", { scope: "col", class: "number" }, named(cluster, i))))), h("tbody", null, detail.observation.columns.map(line)))));
  }
}
