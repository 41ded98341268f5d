import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.figures import THEMES, find_theme

# Machado, Oliveira & Fernandes 2009, severity 1.0: what the three kinds of colour blindness make of linear RGB
BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour: str) -> NDArray:
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Return WCAG's contrast ratio."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def oklab(values: NDArray) -> NDArray:
    """Turn linear RGB into Björn Ottosson's OKLab, times 100."""
    to_lms = [
        [0.41222147, 0.53633254, 0.05144599],
        [0.2119035, 0.68069955, 0.10739696],
        [0.08830246, 0.28171884, 0.6299787],
    ]
    to_lab = [
        [0.21045426, 0.79361778, -0.00407205],
        [1.9779985, -2.4285922, 0.4505937],
        [0.0259040, 0.7827718, -0.8086758],
    ]
    return 100 * (to_lab @ np.cbrt(to_lms @ np.clip(values, 0, 1)))


def test_the_ratio_of_contrast_is_that_of_wcag():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", THEMES)
def test_what_is_drawn_stands_out_from_the_background(name: str):
    theme = THEMES[name]
    assert len(set(theme.palette)) == 10
    assert min(contrast(colour, theme.background) for colour in theme.palette) >= 3
    assert contrast(theme.ink, theme.background) >= 7
    assert contrast(theme.muted, theme.background) >= 4.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind", BLINDNESS)
def test_two_classes_keep_two_colours_under_colour_blindness(name: str, kind: str):
    seen = [oklab(BLINDNESS[kind] @ linear(colour)) for colour in THEMES[name].palette]
    closest = min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2))
    assert closest >= 6  # Petroff's own ten reach 6.09


def test_colours_repeat_with_another_marker():
    theme = find_theme("light")
    looks = [(theme.colour(i), theme.marker(i)) for i in range(40)]
    assert len(set(looks)) == 40
    assert len({marker for _, marker in looks[:10]}) == 1


def test_an_unknown_theme_lists_the_known_ones():
    with pytest.raises(VaelError, match=r"unknown theme 'lihgt': did you mean 'light'\? \(known: dark, light\)"):
        find_theme("lihgt")
