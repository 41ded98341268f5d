"""Every kind of figure, drawn from made-up arrays: the table that the tests of layout run over."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vael import figures
from vael.figures import Figure

chance = np.random.default_rng
NAMES = ["mean radius", "bedrooms", "US$ income", "a very long column name indeed", "is_male"] * 5


def pixels(*shape: int) -> NDArray[np.uint8]:
    return chance(0).integers(0, 256, (*shape, 3)).astype(np.uint8)


def table(rows: int, columns: int) -> NDArray:
    values = chance(0).normal(size=(rows, columns))
    values[:, 1::5] = values[:, 1::5].round()
    values[:, 2::5] = 3 * np.abs(values[:, 2::5])
    return values * np.resize([1, 1, 1e4, 1e-3, 0], columns)


def curves(theme: str) -> Figure:
    x = np.arange(1, 201) / 10
    elbo = -105 - 445 * np.exp(-x / 0.2)
    panels = {
        "ELBO (nats)": {"train": (x, elbo), "valid": (x[9::10], elbo[9::10] - 3)},
        "rate (nats)": {"train": (x, 25 - 25 * np.exp(-x))},
        "distortion (nats)": {"train": (x, -elbo - 20), "valid": (x[-1:], np.array([90.0]))},
        "learning rate": {"train": (x, np.full(200, 1e-3))},
        "β": {"train": (x, np.minimum(1, x / 5))},
    }
    return figures.draw_curves(panels, theme=theme, markers={"best": 17.0})


def one_curve(theme: str) -> Figure:
    return figures.draw_curves({"ELBO (nats)": {"train": (np.arange(9), -np.arange(9.0))}}, theme=theme)


def images(theme: str) -> Figure:
    return figures.draw_images(pixels(10, 28, 28), labels=[f"{i}2.5 nats" for i in range(10)], theme=theme, title="Ten")


def image_rows(theme: str) -> Figure:
    labels = ["original", "a reconstruction with a name that is far too long to stand beside it"]
    return figures.draw_image_rows(
        pixels(2, 10, 28, 28), row_labels=labels, muted=[False, True], title="Rows", note="word " * 40, theme=theme
    )


def clusters(theme: str) -> Figure:
    labels = [f"{i} · 1,024 · “a label of many words” 97%" for i in range(3)]
    members = [pixels(10, 28, 28), pixels(4, 28, 28), pixels(0, 28, 28)]
    return figures.draw_clusters(
        pixels(3, 28, 28), members, labels=labels, title="Clusters", note="word " * 40, theme=theme
    )


def walk(theme: str) -> Figure:
    ends = ["face 3", *[""] * 14, "face 8"]
    return figures.draw_image_rows(pixels(2, 16, 8, 8), row_labels=["a", "b"], column_labels=ends, theme=theme)


def traversals(theme: str) -> Figure:
    labels, ticks = [f"z{i}  3.1 nats" for i in range(128)], [f"−{i}.25" for i in range(11)]
    return figures.draw_image_rows(pixels(128, 11, 8, 8), row_labels=labels, column_labels=ticks, theme=theme)


def manifold(theme: str) -> Figure:
    z = np.linspace(-2, 2, 20)
    return figures.draw_manifold(pixels(20, 20, 8, 8), x=z, y=z, title="Decoded plane", theme=theme)


def surfaces(theme: str, columns: int = 7) -> Figure:
    z = np.linspace(-2, 2, 9)
    values = chance(0).normal(size=(columns, 9, 9)) * np.resize([1, 1e4, 1e-3], columns)[:, None, None]
    return figures.draw_surfaces(values, x=z, y=z, columns=NAMES[:columns], theme=theme)


def embedding(theme: str, classes: int = 10) -> Figure:
    numbers = chance(0).integers(0, classes, 2000)
    points = chance(1).normal(size=(classes, 2))[numbers] * 3 + chance(2).normal(size=(2000, 2))
    return figures.draw_embedding(points, labels=[str(i) for i in numbers], title="Digits", theme=theme)


def amounts(theme: str) -> Figure:
    points = chance(1).normal(size=(300, 2))
    return figures.draw_amounts(points, points[:, 0] * 100, name="rate (nats)", theme=theme)


def rates(theme: str) -> Figure:
    values = chance(0).gamma(20, size=3000)
    marks = [(f"example {i}", rate) for i, rate in enumerate([3, 20, 20.1, 20.2, 21, 25, 33, 59, 60, 60])]
    return figures.draw_rates(values, marks=marks, noise=values[:99] + 30, note="word " * 40, theme=theme)


def dimensions(theme: str, count: int = 20) -> Figure:
    rate = np.exp(-np.arange(count) / 5)
    return figures.draw_dimensions(rate, rate > 0.1, theme=theme)


def history(theme: str, count: int = 20, steps: int = 24) -> Figure:
    taken = np.array([0, *np.unique(np.geomspace(1, 4690, steps - 1).round())])[:steps]
    wakes = chance(0).uniform(0, 9, count)
    rate = np.linspace(0, 3, count) / (1 + np.exp(wakes - np.log1p(taken)[:, None]))
    return figures.draw_dimension_history(taken, rate, steps_per_epoch=469, theme=theme)


def plane(theme: str, count: int = 12) -> Figure:
    rate, distortion = chance(0).uniform(5, 50, (2, count))
    groups = ["recipe", "β sweep"] * (count // 2) if count > 1 else None
    names = [f"run number {i}" for i in range(count)]
    return figures.draw_plane(names, rate, distortion, groups=groups, note="Test split.", theme=theme)


def columns(theme: str, count: int = 13) -> Figure:
    return figures.draw_columns(table(500, count), table(300, count), columns=NAMES[:count], theme=theme)


def agreement(theme: str, count: int = 7) -> Figure:
    return figures.draw_agreement(table(99, count), table(99, count) * 0.9, columns=NAMES[:count], theme=theme)


def paths(theme: str) -> Figure:
    walks = {"straight": table(9, 7), "spherical": table(9, 7) + 1}
    ends = ("row 3", "row 7000000000")
    return figures.draw_paths(np.linspace(0, 1, 9), walks, columns=NAMES[:7], ends=ends, theme=theme)


def effects(theme: str, rows: int = 8, count: int = 13) -> Figure:
    names, muted = [f"z{i}  3.1 nats" for i in range(rows)], [i > 5 for i in range(rows)]
    values = chance(0).normal(size=(rows, count))
    return figures.draw_effects(values, rows=names, columns=NAMES[:count], muted=muted, theme=theme)


def search(theme: str, count: int = 40) -> Figure:
    elbo = -110 + 8 * chance(0).beta(4, 2, size=count) - np.where(np.arange(count) % 3, 0, 30)
    shares = {"training.learning_rate.start": 0.55, "training.batch_size": 0.3, "model.encoder.activation": 0.15}
    importance = shares if count > 20 else None
    return figures.draw_search(np.arange(count), elbo, np.arange(count) % 3 > 0, importance=importance, theme=theme)


GALLERY: dict[str, Callable[[str], Figure]] = {
    "curves": curves,
    "one curve": one_curve,
    "images": images,
    "image rows": image_rows,
    "clusters": clusters,
    "walk": walk,
    "traversals": traversals,
    "manifold": manifold,
    "surfaces": surfaces,
    "one surface": lambda theme: surfaces(theme, 1),
    "25 surfaces": lambda theme: surfaces(theme, 25),
    "embedding": embedding,
    "20 classes": lambda theme: embedding(theme, 20),
    "40 classes": lambda theme: embedding(theme, 40),
    "one class": lambda theme: embedding(theme, 1),
    "amounts": amounts,
    "rates": rates,
    "dimensions": dimensions,
    "2 dimensions": lambda theme: dimensions(theme, 2),
    "128 dimensions": lambda theme: dimensions(theme, 128),
    "history": history,
    "history of one dimension": lambda theme: history(theme, 1),
    "history of 512 dimensions": lambda theme: history(theme, 512),
    "history that begins": lambda theme: history(theme, 20, 1),
    "plane": plane,
    "one run": lambda theme: plane(theme, 1),
    "columns": columns,
    "one column": lambda theme: columns(theme, 1),
    "agreement": agreement,
    "25 agreements": lambda theme: agreement(theme, 25),
    "paths": paths,
    "effects": effects,
    "search": search,
    "search of six trials": lambda theme: search(theme, 6),
    "few effects": lambda theme: effects(theme, 2, 4),
}
