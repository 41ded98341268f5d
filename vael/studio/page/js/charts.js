// Charts by plotly.js, loaded when the first one is drawn.

import { pageColour } from "./theme.js";

/** @type {Promise<any> | null} */
let loading = null;

/** @returns {Promise<any>} plotly.js, once it is there */
export function charts() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/plotly.js";
    script.onload = () => resolve(/** @type {any} */ (window).Plotly);
    script.onerror = () => { loading = null; reject(new Error("The charts need plotly: pip install 'vael[studio]'")); };
    document.head.append(script);
  });
  return loading;
}

/** A layout in the page's colours. @param {any} layout what is particular to the chart */
export function layout({ xaxis = {}, yaxis = {}, margin = {}, ...rest }) {
  const ink = pageColour("ink"), muted = pageColour("muted"), line = pageColour("line");
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickfont: { color: muted }, title: { font: { color: muted } }, automargin: true };
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified", showlegend: false,
    hoverlabel: { bgcolor: pageColour("raised"), bordercolor: line, font: { color: ink } },
    margin: { l: 52, r: 12, t: 8, b: 36, ...margin }, xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis }, ...rest,
  };
}

export const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };
