"""Docstrings as the site wants them: doctests as blocks of code, the commands' in the style that cyclopts reads.

Plain Markdown would take `>>>` for three nested quotations.
"""

from typing import Any

import griffe


class Docstrings(griffe.Extension):
    """Prepare the docstring of each module, class, function and attribute."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence doctests; read the commands' docstrings as NumPy's."""
        if obj.docstring is None:
            return
        obj.docstring.value = fenced(obj.docstring.value)
        if obj.path.startswith("vael.cli."):
            obj.docstring.parser = griffe.Parser.numpy


def fenced(text: str) -> str:
    """Fence each paragraph that starts with `>>>`."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(f"```pycon\n{part.rstrip()}\n```" if part.startswith(">>> ") else part for part in paragraphs)
