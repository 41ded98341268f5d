// Numbers for people.

/** @param {number | null | undefined} value @param {number} [digits] */
export function number(value, digits = 2) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
}

/** @param {number | null | undefined} value */
export const whole = (value) => number(value, 0);

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago, roughly. @param {string | null} when */
export function ago(when) {
  if (!when) return "–";
  const seconds = (Date.now() - Date.parse(when.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"))) / 1000;
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 90) return "just now";
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/** A measured number in few digits, whatever its size. @param {number} value @param {number} digits */
export function short(value, digits = 4) {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(1) : value.toLocaleString("en-US", { maximumSignificantDigits: digits });
  return text.replace("-", "−");
}
