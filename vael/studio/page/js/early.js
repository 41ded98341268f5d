// Before anything is painted: the theme that was chosen last, or the system's.
(() => {
  let theme = null;
  try { theme = localStorage.getItem("vael-theme"); } catch { /* storage may be forbidden */ }
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "light" || asked === "dark") theme = asked;
  if (theme !== "light" && theme !== "dark") theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
})();
