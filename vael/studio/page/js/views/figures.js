// The figures of `vael figures`, drawn for this theme, each to be saved in the format one needs.

import { call, ofRun } from "../api.js";
import { fill, h } from "../dom.js";
import { theme } from "../theme.js";

/** @param {import("../main.js").Stage} stage */
export async function show({ root, run, detail, signal }) {
  if (!detail.has_weights) {
    root.append(h("div", { class: "empty" }, h("h1", null, "No weights yet"), h("p", null, "The first figures can be drawn after the first checkpoint.")));
    return;
  }
  const kinds = await call(ofRun(run, "/figures"), { signal });
  const address = (kind, format) => ofRun(run, `/figures/${kind}.${format}?theme=${theme()}`);
  const card = (kind) => {
    const place = h("div", { class: "figure-place" });
    const draw = () => {
      const image = h("img", { alt: `The figure ${kind} of ${run}`, loading: "lazy", src: address(kind, "png") });
      image.addEventListener("error", () => call(address(kind, "png")).catch((error) => fill(place, h("p", { class: "error-text" }, error.message))));
      fill(place, image);
    };
    draw();
    window.addEventListener("theme", draw, { signal });
    const formats = ["png", "svg", "pdf"].map((format) => h("a", { class: "small", href: address(kind, format), download: `${run}-${kind}.${format}`,
      onclick: (event) => event.currentTarget.setAttribute("href", address(kind, format)) }, format.toUpperCase()));
    return h("section", { class: "card" }, h("header", null, h("h2", { class: "grow" }, kind), ...formats), place);
  };
  root.append(h("div", { class: "figures-grid" }, kinds.map(card)));
}
