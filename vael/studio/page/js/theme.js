// Light and dark, and the colours of classes (vael/figures/theme.py).

const PALETTES = {
  light: ["#3494e1", "#d57f0f", "#bd1e01", "#859799", "#832db6", "#a86b58", "#ce5811", "#a99066", "#646875", "#1987a2"],
  dark: ["#3f90da", "#ffa90e", "#c9301a", "#94a4a2", "#9a4ccb", "#a96b59", "#e76300", "#b9ac70", "#777b88", "#92dadd"],
};

/** @returns {"light" | "dark"} */
export const theme = () => /** @type {any} */ (document.documentElement.dataset.theme);

/** The colour of a class. @param {number} index */
export const colour = (index) => PALETTES[theme()][index % 10];

/** @type {Map<string, string>} reading them makes the browser compute styles: once a theme is enough */
const known = new Map();

/** A colour of the page by its name in base.css. @param {string} name @returns {string} */
export function pageColour(name) {
  const key = `${theme()} ${name}`;
  if (!known.has(key)) known.set(key, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return known.get(key) ?? "";
}

/** The page's font, for canvases. */
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

/** Change to the other theme; whoever paints by hand listens to the event `theme` of the window. */
export function toggleTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("vael-theme", next); } catch { /* storage may be forbidden */ }
  window.dispatchEvent(new Event("theme"));
}
