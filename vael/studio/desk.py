"""One run opened for use: its model, its map, and answers to what a hand does in its latent space."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from vael.errors import VaelError
from vael.experiments import Run
from vael.runs import RunFolder
from vael.studio.packing import pack
from vael.tasks import Inspection, Projection, decode, draw_latent, walk
from vael.tasks.project import Method, available_methods
from vael.types import Batch
from vael.views.latent import activity_of, rank_dims, rate_per_dim

__all__ = ["Answer", "AnyMethod", "Desk", "Desks", "Question"]

AnyMethod = Method | Literal["auto"]
Found = TypeVar("Found")

NUM_NEIGHBOURS = 8
MAX_OPEN = 4  # runs held open; the one used least recently goes first
MAX_KEPT = 4  # results of one run held, likewise


@dataclass(frozen=True)
class Question:
    """Ask what a place in the latent space looks like.

    Arguments:
        kind: Whether `values` are a latent `(D,)` or a point of the map `(2,)`.
        values: Float32, finite.
    """

    kind: Literal["latent", "point"]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """Say what a place in the latent space looks like.

    Arguments:
        z: `(D,)` float32, the latent.
        point: `(2,)` float32, its place on the map; NaN where there is no map.
        picture: Pixels `(H, W, 3)` uint8, or a table's row `(F,)` float32 in the units of the file.
    """

    z: NDArray[np.float32]
    point: NDArray[np.float32]
    picture: NDArray

    def to_bytes(self) -> bytes:
        """Lay it out for the browser: point, latent, picture, without padding."""
        return self.point.tobytes() + self.z.tobytes() + np.ascontiguousarray(self.picture).tobytes()


@dataclass(eq=False)
class Desk:
    """Hold one run open.

    Arguments:
        run: The run; its model and data are read when first needed.
    """

    run: Run
    lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)
    _mapping: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _maps: dict[str, Projection] = field(default_factory=dict, init=False, repr=False)
    _kept: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict, init=False, repr=False)

    def recall(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """Return what was found under a key before, or find it and keep it a while; `lock` is to be held."""
        if key not in self._kept:
            self._kept[key] = find()
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    @property
    def is_free(self) -> bool:
        """Whether the model is at work for nobody."""
        free = self.lock.acquire(blocking=False)
        if free:
            self.lock.release()
        return free

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """The projections that fit, the one without a choice first; none where the latent has no plane."""
        return available_methods(self.run.model.latent_dim)

    @property
    def has_map(self) -> bool:
        """Whether the latent has a plane; one with a single dimension has none."""
        return bool(self.methods)

    def projection(self, method: AnyMethod) -> Projection:
        """Return the map of the run's default split by a method; `auto` takes the default one.

        Raises:
            VaelError: An unknown method, or one that does not fit the latent.
        """
        usual: Method = self.methods[0] if self.has_map else "pca"  # which says what a single dimension lacks
        name = usual if method == "auto" else method
        known = self._maps.get(name)  # without waiting for another map, which may take half a minute
        if known is None:
            with self._mapping:
                known = self._maps[name] = self.run.project(name)
        return known

    def map(self, method: AnyMethod) -> dict[str, Any]:
        """Return the map with what colours it."""
        projection, run = self.projection(method), self.run
        labels = run.labels()
        classes = list(dict.fromkeys(sorted(labels, key=_by_number))) if labels else []
        numbers = {name: number for number, name in enumerate(classes)}
        return {
            "method": projection.method,
            "inverse": projection.inverse,
            "axes": projection.axes,
            "split": run.default_split,
            "count": len(projection.points),
            "classes": classes,
            "points": pack(projection.points),
            "labels": pack(np.array([numbers[label] for label in labels], np.uint16)) if labels else None,
            "rates": pack(run.embed().rate_nats) if run.has_rate else None,
        }

    def dimensions(self) -> list[dict[str, Any]]:
        """Describe each latent dimension, the largest rate first: what its slider needs."""
        with self.lock:
            run = self.run
            mean = run.embed().mean
            rates, active = rate_per_dim(run), activity_of(run)
            low, high = np.quantile(mean, [0.005, 0.995], axis=0)
            limit = np.maximum(np.maximum(np.abs(low), np.abs(high)), 3.0)
            return [
                {"dim": dim, "rate_nats": rates[dim], "active": bool(active[dim]), "limit": float(limit[dim])}
                for dim in rank_dims(run)
            ]

    def answer(self, questions: Sequence[Question], method: AnyMethod) -> list[Answer]:
        """Answer several questions with one call of the decoder."""
        with self.lock:
            latents = np.stack([self._latent_of(question, method) for question in questions])
            points = self._points_of(questions, latents, method)
            pictures = self.pictures(decode(self.run.model, latents))
        return [Answer(z, point, picture) for z, point, picture in zip(latents, points, pictures, strict=True)]

    def _latent_of(self, question: Question, method: AnyMethod) -> NDArray[np.float32]:
        if question.kind == "latent":
            return question.values
        return self.projection(method).invert(question.values[None])[0]

    def _points_of(self, questions: Sequence[Question], latents: NDArray, method: AnyMethod) -> NDArray[np.float32]:
        points = np.full((len(questions), 2), np.nan, np.float32)
        for place, question in enumerate(questions):
            if question.kind == "point":
                points[place] = question.values
        unplaced = [place for place, question in enumerate(questions) if question.kind == "latent"]
        if unplaced and self.has_map:
            points[unplaced] = self.projection(method).place(latents[unplaced])
        return points

    def check(self, question: Question) -> None:
        """Refuse a question before it joins others.

        Raises:
            VaelError: A wrong length, a number that is not finite, or a point where there is no map.
        """
        expected = 2 if question.kind == "point" else self.run.model.latent_dim
        what = "a point of the map" if question.kind == "point" else "a latent"
        if question.kind == "point" and not self.has_map:
            raise VaelError("a latent of one dimension has no map: move its slider")
        if len(question.values) != expected or not np.isfinite(question.values).all():
            raise VaelError(f"{what} expects {expected} finite numbers, got {question.values[:8].tolist()}")

    def pictures(self, x: NDArray) -> NDArray:
        """Turn observations `(N, *shape)` into pixels `(N, H, W, 3)` uint8, or rows `(N, F)` float32 in file units."""
        run = self.run
        return run.pixels(x) if run.is_image else run.in_file_units(x).astype(np.float32)

    def example(self, index: int) -> dict[str, Any]:
        """Describe one example of the default split."""
        with self.lock:
            (index,) = self.run.find_examples([index])
            found = self.run.inspect([index], num_neighbours=NUM_NEIGHBOURS)
            labels = self.run.labels()
            return {"example": index, "label": labels[index] if labels else None, **self._describe(found)}

    def inspect(self, content: bytes, *, name: str, invert: bool, center: bool) -> dict[str, Any]:
        """Describe an image or a table's first row from outside; `num_rows` says how many there were.

        Raises:
            VaelError: Bytes that are no image or no such rows.
        """
        with self.lock:
            batch = self.run.examples_from(content, name=name, invert=invert, center=center)
            found = self.run.inspect(Batch(batch.x[:1]), num_neighbours=NUM_NEIGHBOURS)
            return {"example": None, "num_rows": len(batch.x), **self._describe(found)}

    def _describe(self, found: Inspection) -> dict[str, Any]:
        """Describe the first example of an inspection for the browser."""
        labels = self.run.labels()
        z = found.z_mean[0]
        neighbours = [
            {"example": int(number), "label": labels[number] if labels else None, "distance": float(distance)}
            for number, distance in zip(found.neighbours.indices[0], found.neighbours.distances[0], strict=True)
        ]
        x, mean = self.pictures(found.x[:1])[0], self.pictures(found.mean[:1])[0]
        return {
            "z": z,
            "z_stddev": found.z_stddev[0],
            "rate_per_dim_nats": found.rate_per_dim_nats[0],
            "rate_nats": float(found.rate_nats[0]),
            "distortion_nats": float(found.distortion_nats[0]),
            "score_nats": float(found.score_nats[0]),
            "percentile": float(found.percentile[0]),
            "x": pack(x),
            "mean": pack(mean),
            "neighbours": neighbours,
        }

    def place(self, z: NDArray[np.float32], method: AnyMethod) -> list[float] | None:
        """Return where a latent lies on the map; None where there is no map."""
        return self.projection(method).place(z[None])[0].tolist() if self.has_map else None

    def originals(self, indices: list[int]) -> NDArray:
        """Return examples of the default split as pictures, see `pictures`."""
        with self.lock:
            return self.pictures(self.run.batch(indices).x.cpu().numpy())

    def draw_prior(self, seed: int) -> NDArray[np.float32]:
        """Draw one latent of the prior, `(D,)`."""
        with self.lock:
            return draw_latent(self.run.model, seed=seed)

    def ranges(self) -> list[list[float]]:
        """Return the span of each column of a table, nearly all of its rows, in file units; none for images."""
        if self.run.is_image:
            return []
        with self.lock:
            rows = self.run.in_file_units(self.run.rows())
        return np.quantile(rows, [0.005, 0.995], axis=0).T.tolist()

    def interpolate(
        self, start: Sequence[float], end: Sequence[float], *, num_steps: int, path: Any, method: AnyMethod
    ) -> dict[str, Any]:
        """Walk between two latents; the points of the way are on the map of `method`.

        Raises:
            VaelError: A wrong length, fewer than two steps, or an unknown path.
        """
        with np.errstate(over="ignore"):  # beyond float32 is infinite, which `walk` refuses
            ends = [np.array(each, np.float32) for each in (start, end)]
        with self.lock:
            found = walk(self.run.model, ends[0], ends[1], num_steps=num_steps, path=path)
            points = self.projection(method).place(found.z) if self.has_map else None
            return {"z": found.z, "points": points, "pictures": pack(self.pictures(found.x))}


def _by_number(label: str) -> tuple[bool, float, str]:
    """Order labels by their number where they are numbers, else by name."""
    try:
        return (False, float(label), label)
    except ValueError:
        return (True, 0.0, label)


class Desks:
    """Hold the runs opened last; one whose weights were written anew is opened again."""

    def __init__(self, data_root: Path | None = None) -> None:
        """Start with none; data are looked for in `data_root` first."""
        self._data_root = data_root
        self._open: OrderedDict[tuple[str, float], Desk] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, folder: RunFolder) -> Desk:
        """Return the desk of a run.

        Raises:
            VaelError: The run has no weights yet.
        """
        path = folder.path / "model.safetensors"
        written = path.stat().st_mtime if path.exists() else 0.0
        key = (str(folder.path), written)
        with self._lock:
            desk = self._open.get(key)
            if desk is None:
                desk = Desk(Run(folder, self._data_root))
                assert desk.run.model is not None  # outside of inference mode: some tasks take gradients
                self._open = OrderedDict((k, held) for k, held in self._open.items() if k[0] != key[0])
                self._open[key] = desk
            self._open.move_to_end(key)
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
            return desk
