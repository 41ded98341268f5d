// Pixels on canvases, and saving what is shown.

/**
 * Put pixels (H × W × 3, 0 … 255) on a canvas of their own size; the page enlarges it without smoothing.
 * @param {HTMLCanvasElement} canvas @param {Uint8Array} pixels @param {number} height @param {number} width
 */
export function paint(canvas, pixels, height, width) {
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0, at = 0; i < words.length; i += 1, at += 3) {
    words[i] = 0xff000000 | (pixels[at + 2] << 16) | (pixels[at + 1] << 8) | pixels[at];
  }
  context.putImageData(image, 0, 0);
}

/** Save a file. @param {Blob | string} content a blob or an address @param {string} name */
export function save(content, name) {
  const link = document.createElement("a");
  link.href = typeof content === "string" ? content : URL.createObjectURL(content);
  link.download = name;
  link.click();
  if (typeof content !== "string") setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Save a canvas as PNG, small ones enlarged without smoothing. @param {HTMLCanvasElement} canvas @param {string} name */
export function saveCanvas(canvas, name) {
  const factor = Math.max(1, Math.round(336 / Math.max(canvas.width, canvas.height)));
  const large = document.createElement("canvas");
  large.width = canvas.width * factor;
  large.height = canvas.height * factor;
  const context = /** @type {CanvasRenderingContext2D} */ (large.getContext("2d"));
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  large.toBlob((blob) => blob && save(blob, name), "image/png");
}
