"""What tests send to a studio, and how they read what it answers."""

import base64
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

DROP = """([type, name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  for (const event of ["dragover", "drop"]) {
    const dropped = new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector("#main").dispatchEvent(dropped);
  }
}"""


def png(height: int = 28, width: int = 20, mode: str = "L") -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(written, "PNG")
    return written.getvalue()


def unpack(packed: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["base64"]), packed["dtype"]).reshape(packed["shape"])


def sentence(answer: Any, status: int) -> str:
    """Return what a refusal says, after a look at its form: one line, no traceback, no class name."""
    assert answer.status_code == status, answer.text
    content = answer.json()
    assert set(content) == {"detail", "field"}
    assert "\n" not in content["detail"]
    assert not re.search(r"\w(Error|Exception)\b", content["detail"])
    return content["detail"]


def drop(page: "Page", name: str, content: bytes, kind: str = "") -> None:
    page.evaluate(DROP, [kind, name, list(content)])
