"""Equations: LaTeX → MathML while the site is built, so that a browser needs no script to show them."""

import html
import re
from typing import Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

MARKED = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)

OPEN = r"<mo[^>]*>(?:&#x00028;|\(|&#x0005B;|\[)</mo>"
MINUS = "<mo>&#x02212;</mo>"
BARS = {r"\lvert": r"\left|", r"\rvert": r"\right|", r"\lVert": r"\left\Vert ", r"\rVert": r"\right\Vert "}
SPACING = [  # as TeX sets it: a space after log, ∼ and ± as operators, a narrow bar, none after a sign that comes first
    (re.compile(rf"(<mi>(?:log|sin|cos|tanh)</mi>)(?!(?:<mrow>)?{OPEN})"), r'\1<mspace width="0.17em" />'),
    (re.compile("<mi>&#x0007E;</mi>"), "<mo>&#x0223C;</mo>"),
    (re.compile("<mi>&#x000B1;</mi>"), "<mo>&#x000B1;</mo>"),
    (re.compile("<mo>&#x02223;</mo>"), '<mo lspace="0.17em" rspace="0.17em">|</mo>'),
    (re.compile(rf"({OPEN}|<mo>(?:&#x0003D;|=)</mo>){MINUS}"), r'\1<mo form="prefix">&#x02212;</mo>'),
]


def on_page_content(content: str, **_: Any) -> str:
    """Replace every equation of a page, as arithmatex marked them."""
    return MARKED.sub(lambda found: mathml(found[3], is_block=found[2] == "["), content)


def mathml(latex: str, *, is_block: bool) -> str:
    """Write one equation as MathML."""
    latex = html.unescape(latex).strip()
    for bar, delimiter in BARS.items():
        latex = latex.replace(bar, delimiter)
    written = convert(latex, display="block" if is_block else "inline")
    if "\\" in written:
        raise PluginError(f"no MathML for the equation {latex}: a command in it is unknown")
    for pattern, replacement in SPACING:
        written = pattern.sub(replacement, written)
    return f'<div class="equation">{written}</div>' if is_block else written
