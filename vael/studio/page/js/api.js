// What the server says: JSON, packed arrays, and one sentence where it refuses.

/** A refusal of the server: one sentence, and the field of a form that it is about. */
export class Refused extends Error {
  /** @param {string} detail @param {string | null} field @param {number} status */
  constructor(detail, field, status) {
    super(detail);
    this.field = field;
    this.status = status;
  }
}

/** The path of a run's address: names may hold anything that a folder's name may. @param {string} name @param {string} [rest] */
export const ofRun = (name, rest = "") => `/api/runs/${encodeURIComponent(name)}${rest}`;

/**
 * @param {string} path
 * @param {{ method?: string, body?: any, signal?: AbortSignal }} [options] a plain object as body is sent as JSON
 * @returns {Promise<any>}
 */
export async function call(path, { method = "GET", body, signal } = {}) {
  const isPlain = body !== undefined && !(body instanceof Blob) && !(body instanceof ArrayBuffer);
  const headers = isPlain ? { "content-type": "application/json" } : undefined;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: isPlain ? JSON.stringify(body) : body, signal });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused("The studio does not answer: is 'vael studio' still running?", null, 0);
  }
  if (answer.status === 204) return null;
  let content;
  try {
    content = await answer.json();
  } catch {
    signal?.throwIfAborted(); // the page was left while the answer was on its way
    throw new Refused(`The studio answered ${answer.status} without a word.`, null, answer.status);
  }
  if (!answer.ok) throw new Refused(content.detail ?? `The studio answered ${answer.status}.`, content.field ?? null, answer.status);
  return content;
}

const KINDS = { uint8: Uint8Array, uint16: Uint16Array, int64: BigInt64Array, float32: Float32Array, float64: Float64Array };

/** A packed array as numbers. @param {{ dtype: keyof typeof KINDS, shape: number[], base64: string } | null} packed */
export function unpack(packed) {
  if (packed === null || packed === undefined) return null;
  const bytes = Uint8Array.from(atob(packed.base64), (letter) => letter.charCodeAt(0));
  return { data: new KINDS[packed.dtype](bytes.buffer), shape: packed.shape };
}

/**
 * A WebSocket that comes back when it was lost.
 * @param {string} path
 * @param {{ onMessage: (data: any) => void, onOpen?: () => void, onLost?: () => void }} handlers JSON arrives parsed, bytes as ArrayBuffer
 */
export function connect(path, { onMessage, onOpen, onLost }) {
  let socket, timer, closed = false, wait = 500;
  const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
  const open = () => {
    socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { wait = 500; onOpen?.(); };
    socket.onmessage = ({ data }) => {
      const message = typeof data === "string" ? JSON.parse(data) : data;
      if (message.final) closed = true;
      onMessage(message);
    };
    socket.onclose = () => {
      if (closed) return;
      onLost?.();
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, 8000);
    };
  };
  open();
  return {
    /** @param {string | ArrayBuffer | Blob | ArrayBufferView} data @returns {boolean} whether it was sent */
    send(data) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(data);
      return true;
    },
    close() { closed = true; clearTimeout(timer); socket.close(); },
  };
}
