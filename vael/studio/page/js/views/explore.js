// The latent explorer: a map of the examples, and the picture of the place under the pointer.

import { call, ofRun, unpack } from "../api.js";
import { fill, h, icon, ICONS } from "../dom.js";
import { number } from "../format.js";
import { href, setQuery } from "../router.js";
import { ScatterMap } from "../scatter.js";
import { colour } from "../theme.js";
import { tell, toast } from "../toast.js";
import { saveCanvas } from "../pictures.js";
import { Decoder } from "../explore/decoder.js";
import { showExample } from "../explore/example.js";
import { makeScreen } from "../explore/screen.js";
import { makeSliders } from "../explore/sliders.js";
import { makeWalk } from "../explore/walk.js";

const METHODS = { direct: "the latent itself", pca: "PCA", tsne: "t-SNE", umap: "UMAP" };

/** @param {import("../main.js").Stage} stage */
export async function show({ root, run, detail, query, signal }) {
  if (!detail.has_weights) {
    root.append(h("div", { class: "empty" }, h("h1", null, "No weights yet"),
      h("p", null, "The training writes its first weights with its first checkpoint; then there is a latent space to look into."),
      h("a", { class: "button", href: href(run, "live") }, "Watch it train")));
    return;
  }
  const latentDim = detail.latent_dim, observation = detail.observation;
  const { dimensions, methods, ranges, split } = await call(ofRun(run, "/dimensions"), { signal });
  let method = methods.includes(query.get("method")) ? query.get("method") : methods[0] ?? "auto";
  let z = readLatent(query.get("z"), latentDim) ?? new Float32Array(latentDim);
  let map = null, saving = 0, isEnd = false; // whether the next answer is an end of the walk

  // What stands where.
  const mapPlace = h("div", { class: "map-place" });
  const veil = h("div", { class: "veil", hidden: true }, h("div", { class: "spinner" }), h("p"));
  const legend = h("div", { class: "legend" });
  const axes = h("p", { class: "small muted axes" });
  const methodChoice = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Projection", onchange: () => loadMap(methodChoice.value) },
    methods.map((name) => h("option", { value: name, selected: name === method }, METHODS[name]))));
  const colourChoice = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Coloured by", onchange: () => showCloud() }));
  const screen = makeScreen(observation, { label: "The decoded place", ranges });
  const coordinates = h("p", { class: "small muted coordinates", "aria-live": "off" });
  const lost = h("p", { class: "small error-text", hidden: true }, "The connection to the studio is lost; trying again …");
  const pages = { sliders: h("div"), example: h("div", { class: "stack" }), walk: h("div") };

  const sliders = makeSliders(dimensions, (dim, value) => { walk.stop(); z[dim] = value; decoder.askLatent(z); });
  const walk = makeWalk({ run, observation, method: () => method, here: () => z, signal,
    onFrame: ({ z: there, point, picture }) => { z = Float32Array.from(there); screen.show(picture); settle(point); },
    onEnds: ({ path }) => scatter?.mark({ path, start: path[0] ?? null, end: path.at(-1) ?? null }) });
  const decoder = new Decoder(run, { latentDim, isImage: observation.is_image }, {
    onAnswer: (answer) => {
      screen.show(answer.picture);
      if (!answer.isLatest) return; // its place would take back what a slider or a key has moved since
      z = Float32Array.from(answer.z);
      settle(answer.point);
      if (isEnd) walk.setNext(z);
      isEnd = false;
    },
    onError: (sentence) => { isEnd = false; toast(sentence, "error"); },
    onLost: (isLost) => { lost.hidden = !isLost; },
  });
  Object.assign(window, { vaelDecoder: decoder }); // for measuring: its `delays`
  signal.addEventListener("abort", () => { decoder.close(); clearTimeout(saving); });

  const tabs = makeTabs({ sliders: "Sliders", example: "Example", walk: "Walk" }, pages, () => sliders.show(z));
  pages.sliders.append(sliders.element);
  pages.walk.append(walk.element);
  fill(pages.example, h("p", { class: "empty" }, "Click a point of the map to see its example, its reconstruction and its neighbours."));

  root.append(h("div", { class: "explorer" },
    h("section", { class: "card map-card", "aria-label": "Map" },
      h("header", null, h("h2", null, "Map"), methods.length > 1 && h("label", { class: "row small muted" }, "by", methodChoice),
        methods.length > 0 && h("label", { class: "row small muted" }, "colour", colourChoice), h("span", { class: "grow" }),
        methods.length > 0 && [tool("Zoom in", ICONS.plus, () => scatter?.zoom(1.5)), tool("Zoom out", ICONS.minus, () => scatter?.zoom(1 / 1.5)), tool("Show all", ICONS.reset, () => scatter?.reset()),
          tool("Save the map", ICONS.save, () => scatter && saveCanvas(scatter.picture(), `${run}-map.png`))]),
      h("div", { class: "map-box" }, mapPlace, veil), legend, axes),
    h("section", { class: "card place-card", "aria-label": "The decoded place" },
      h("div", { class: "screen-box" }, screen.element),
      h("div", { class: "place-words" }, coordinates, lost),
      h("div", { class: "row place-tools" }, h("button", { class: "grow", title: "Draw a latent from the prior", onclick: () => drawPrior() }, "Random draw"),
        tool("Save the picture", ICONS.save, () => screen.save(`${run}-latent`)),
        tool("Copy the link to this place", ICONS.link, copyLink))),
    h("section", { class: "card tabs-card" }, tabs.element)));

  const scatter = latentDim < 2 ? null : new ScatterMap(mapPlace, { signal,
    label: `Map of the ${detail.info.data.counts ? "examples" : "latents"}: move the pointer or use the arrow keys to decode a place, Enter picks the nearest example, plus and minus zoom`,
    onPoint: (x, y) => { if (isEnd) return; walk.stop(); decoder.askPoint(x, y); }, // the end that was picked comes first
    onPick: (example, { shift, x, y }) => {
      if (shift) { tabs.open("walk"); isEnd = true; decoder.askPoint(x, y); }
      else if (example !== null) pick(example);
      else decoder.askPoint(x, y);
    } });
  if (!scatter) fill(mapPlace, h("p", { class: "empty" }, "A latent of one dimension has no map: move its slider."));

  /** Show where one is: on the map, the sliders and in the address. @param {ArrayLike<number> | null} point */
  function settle(point) {
    scatter?.markHere(point && Number.isFinite(point[0]) ? Array.from(point) : null);
    words.soon();
    clearTimeout(saving);
    saving = window.setTimeout(() => setQuery({ z: Array.from(z, (value) => Number(value.toFixed(3))).join(",") }), 250);
  }

  /** Numbers and sliders follow a few times a second: more often nobody can read them, and pictures come first. */
  const words = { due: 0, soon() {
    words.due ||= window.setTimeout(() => {
      words.due = 0;
      sliders.show(z);
      coordinates.textContent = describe(z);
    }, 80);
  } };

  async function loadMap(name) {
    const slow = name === "tsne" || name === "umap";
    veil.hidden = false;
    fill(veil.lastElementChild, slow ? `Computing ${METHODS[name]}; with ten thousand examples about 20 s, once …` : "Loading the map …");
    try {
      const found = await call(ofRun(run, `/map?method=${name}`), { signal });
      map = { ...found, points: unpack(found.points).data, labels: unpack(found.labels)?.data ?? null, rates: unpack(found.rates)?.data ?? null };
      method = name;
      methodChoice.value = name;
      setQuery({ method: name === methods[0] ? null : name });
      const chosen = colourChoice.value;
      fill(colourChoice, map.labels && h("option", { value: "label" }, "label"), map.rates && h("option", { value: "rate" }, "rate"),
        h("option", { value: "none" }, "one colour"));
      if (chosen) colourChoice.value = chosen;
      fill(axes, `→ ${map.axes[0]}, ↑ ${map.axes[1]} · ${map.count.toLocaleString("en-US")} ${split} examples · from a place of the map to its latent: `, h("b", null, map.inverse));
      decoder.open(name);
      showCloud();
      decoder.askLatent(z);
      walk.again();
    } catch (error) {
      methodChoice.value = method;
      tell(error);
    } finally { veil.hidden = true; }
  }

  function showCloud() {
    const by = colourChoice.value;
    scatter.show({ points: map.points, groups: by === "label" ? map.labels : null, amounts: by === "rate" ? map.rates : null }, map.method === "direct");
    scatter.choose(null);
    fill(legend, by === "label" ? map.classes.map((name, i) => h("button", { class: "quiet class", "aria-pressed": "false", onclick: (event) => highlight(event.currentTarget, i) },
      h("i", { style: { background: colour(i) } }), name)) : by === "rate" ? h("span", { class: "small muted ramp" }, "small rate", h("i"), "large rate") : null);
  }
  window.addEventListener("theme", () => map && legend.querySelectorAll("i").forEach((dot, i) => { if (colourChoice.value === "label") dot.style.background = colour(i); }), { signal });

  function highlight(button, group) {
    const isOn = button.getAttribute("aria-pressed") === "true";
    for (const other of legend.querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(!isOn));
    scatter.choose(isOn ? null : group);
  }

  /** @param {number} example */
  async function pick(example) {
    walk.stop();
    tabs.open("example");
    try {
      const found = await call(ofRun(run, `/examples/${example}?method=${method}`), { signal });
      showExample(pages.example, { run, observation, split, hasRate: detail.has_rate, found,
        onNeighbour: pick, onEnd: (which, there) => { tabs.open("walk"); walk.set(which, there); } });
      scatter?.mark({ example: found.point });
      z = Float32Array.from(found.z);
      decoder.askLatent(z);
      setQuery({ example: String(found.example) });
    } catch (error) { tell(error); }
  }

  async function drawPrior() {
    walk.stop();
    try {
      const drawn = await call(ofRun(run, `/prior?seed=${Math.floor(Math.random() * 2 ** 31)}`), { signal });
      z = Float32Array.from(drawn.z);
      decoder.askLatent(z);
    } catch (error) { tell(error); }
  }

  async function copyLink() {
    setQuery({ z: Array.from(z, (value) => Number(value.toFixed(3))).join(",") });
    try { await navigator.clipboard.writeText(location.href); toast("The link is copied."); }
    catch { toast("The address bar holds the link."); }
  }

  if (methods.length > 0) await loadMap(method);
  else { decoder.open("auto"); decoder.askLatent(z); }
  const asked = query.get("example");
  if (asked !== null && /^\d+$/.test(asked)) await pick(Number(asked));
  else if (!query.has("z")) await drawPrior();
}

/** @param {string | null} text @param {number} latentDim */
function readLatent(text, latentDim) {
  const values = (text ?? "").split(",").map(Number);
  return text && values.length === latentDim && values.every(Number.isFinite) ? Float32Array.from(values) : null;
}

/** @param {ArrayLike<number>} z */
function describe(z) {
  const norm = Math.hypot(...Array.from(z));
  return z.length === 2 ? `z = (${number(z[0])}, ${number(z[1])})` : `|z| = ${number(norm)}, of the prior's about ${number(Math.sqrt(z.length), 1)}`;
}

function tool(label, path, onclick) {
  return h("button", { class: "quiet icon", "aria-label": label, title: label, onclick }, icon(path));
}

/**
 * Tabs by the book: arrow keys between them.
 * @param {Record<string, string>} titles @param {Record<string, HTMLElement>} pages
 * @param {() => void} onOpen
 */
function makeTabs(titles, pages, onOpen) {
  const names = Object.keys(titles);
  const buttons = Object.fromEntries(names.map((name) => [name, h("button", { role: "tab", class: "quiet", id: `tab-${name}`, "aria-controls": `page-${name}`,
    onclick: () => open(name), onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) { const next = names[(names.indexOf(name) + step + names.length) % names.length]; open(next); buttons[next].focus(); }
    } }, titles[name])]));
  const open = (chosen) => {
    for (const name of names) {
      buttons[name].setAttribute("aria-selected", String(name === chosen));
      buttons[name].tabIndex = name === chosen ? 0 : -1;
      pages[name].hidden = name !== chosen;
    }
    onOpen();
  };
  for (const name of names) {
    pages[name].id = `page-${name}`;
    pages[name].setAttribute("role", "tabpanel");
    pages[name].setAttribute("aria-labelledby", `tab-${name}`);
  }
  open(names[0]);
  return { element: h("div", { class: "tabs" }, h("div", { role: "tablist", class: "tablist" }, Object.values(buttons)), Object.values(pages)), open };
}
