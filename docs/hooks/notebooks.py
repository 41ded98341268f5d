"""Notebooks as pages: cells and the outputs that they were saved with become Markdown; nothing is executed.

So equations, links, search and looks are those of every other page, and no page asks the network for a script.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

ANSI = re.compile(r"\x1b\[[0-9;]*m")
PICTURES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
}


@event_priority(50)  # before the navigation is written out
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page and its pictures for each notebook; the notebook itself stays to be downloaded."""
    for file in list(files):
        if file.src_uri.endswith(".ipynb") and file.inclusion.is_included():
            page, pictures = convert(json.loads(file.content_string), PurePosixPath(file.src_uri))
            files.append(File.generated(config, str(PurePosixPath(file.src_uri).with_suffix(".md")), content=page))
            for name, content in pictures.items():
                files.append(File.generated(config, name, content=content))
    return files


def convert(notebook: dict[str, Any], path: PurePosixPath) -> tuple[str, dict[str, bytes]]:
    """Return a notebook's Markdown, and its pictures by path."""
    blocks, pictures = [], {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            blocks.append(source)
        elif cell["cell_type"] == "code" and source.strip():
            blocks.append(fence(source, "python"))
            for kind, content in outputs(cell):
                if kind in PICTURES:
                    name = path.parent / f"{path.stem}-{len(pictures) + 1}{PICTURES[kind]}"
                    pictures[str(name)] = content.encode() if kind.endswith("xml") else base64.b64decode(content)
                    blocks.append(f"![output]({name.name})")
                else:
                    blocks.append(f'<div class="output">\n{content}\n</div>' if kind == "text/html" else fence(content))
    blocks.append(f"*Download [this notebook]({path.name}).*")
    return "\n\n".join(blocks) + "\n", pictures


def outputs(cell: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the richest form of each output, as (MIME type, content); text that follows text is joined."""
    text = ""
    for output in cell.get("outputs", []):
        data = output.get("data", {"text/plain": output.get("text", output.get("traceback", ""))})
        kind = next(kind for kind in (*PICTURES, "text/html", "text/plain", *data) if kind in data)
        content = "\n".join(data[kind]) if "traceback" in output else "".join(data[kind])
        if kind == "text/plain":
            text += content if not text or text.endswith("\n") else f"\n{content}"
            continue
        if text:
            yield "text/plain", text
            text = ""
        yield kind, content
    if text:
        yield "text/plain", text


def fence(content: str, language: str = "") -> str:
    """Fence code, or (without a language) what code printed."""
    marks = f"{{.{language}}}" if language else "{.text .output}"
    return f"`````{marks}\n{ANSI.sub('', content).rstrip()}\n`````"
