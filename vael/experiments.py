"""Train, resume, load: a recipe, its data and its model, wired to a run folder.

    run = vael.train("mnist", recipe="binary-20")      # or vael.load("runs/binary-20-1")
    run.model, run.evaluate(), run.sample(64).x

`prepare` and `reopen` give an `Experiment`, whose `records()` trains and keeps the folder up to date while it yields;
the command line prints these records, `train` and `resume` only drain them.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import torch

from vael import data as sources
from vael import tasks
from vael.build import build_model, build_objective, build_plan, find_device
from vael.data import Dataset
from vael.data.batches import DeviceData
from vael.data.treatments import Treatment, find_treatment, observe
from vael.errors import VaelError, unknown_name
from vael.evaluation import Evaluation, evaluate
from vael.figures import as_pixels, image_grid, pair_grid, save_image
from vael.models import VAE
from vael.objectives import Objective
from vael.random import seeded
from vael.recipe import DataRecipe, Recipe
from vael.runs import Record, RunFolder
from vael.training import (
    Monitor,
    NonFinite,
    Plan,
    TrainingState,
    fit,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from vael.training.closed_form import solve_pca
from vael.training.compiling import choose_compiled
from vael.types import Batch

__all__ = ["Experiment", "Run", "load", "prepare", "reopen", "resume", "train"]

RUNS = Path("runs")

DEFAULT_RECIPES = {
    "digits": "digits",
    "mnist": "binary-20",
    "fashion-mnist": "binary-20",
    "binarized-mnist": "binary-20",
    "cifar10": "conv-cifar10",
    "celeba": "conv-faces",
}
"""The recipe that a named source trains with when none is named; files take `table` or `images`."""


def train(source: str | None = None, *, on_record: Callable[[Record], None] | None = None, **options: Any) -> "Run":
    """Train a VAE into a new run folder and return the run.

    Arguments:
        source: A name of `vael datasets` or a path; None takes the recipe's own.
        on_record: Called with each record as it is made.
        options: Those of `prepare`: `recipe`, `settings`, `name`, `runs`, `data_root`.

    Raises:
        VaelError: What the user asked for cannot be done; the message says why and what to try.
    """
    return _drain(prepare(source, **options), on_record)


def resume(run: str | Path, *, on_record: Callable[[Record], None] | None = None, **options: Any) -> "Run":
    """Go on with a run from its last checkpoint, to the very weights of a run that was never stopped.

    Arguments:
        run: A path, or a name in the runs folder.
        on_record: Called with each record as it is made.
        options: Those of `reopen`: `epochs`, `runs`, `data_root`.
    """
    return _drain(reopen(run, **options), on_record)


def load(run: str | Path, *, runs: Path = RUNS, data_root: Path | None = None) -> "Run":
    """Open a run, by path or by name.

    Raises:
        VaelError: No such run, or a damaged one.
    """
    return Run(RunFolder.open(run, root=runs), data_root)


def prepare(
    source: str | None = None,
    *,
    recipe: str | Recipe | None = None,
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
    runs: Path = RUNS,
    data_root: Path | None = None,
) -> "Experiment":
    """Read the data, build the parts and create the run folder; everything that can be refused is refused here.

    Arguments:
        source: A name of `vael datasets` or a path; None takes the recipe's own.
        recipe: A name of `vael recipes`, a file, or a `Recipe`; None takes the one that suits the source.
        settings: Values to replace, by path (`{"training.epochs": 3}`).
        name: The run's name; None numbers them (`basic-1`).
        runs: The folder that holds the runs.
        data_root: Where to look for data first.

    Raises:
        VaelError: What was asked for cannot be done; nothing has been written.
    """
    label = recipe if isinstance(recipe, str) else _default_recipe(source)
    chosen = recipe if isinstance(recipe, Recipe) else Recipe.find(label)
    if source is not None:
        chosen = replace(chosen, data=replace(chosen.data, source=source))
    chosen = chosen.override(settings or {})
    parts = _Parts.build(chosen, data_root)
    runs = Path(runs)
    name = name or _next_name(runs, Path(label).stem)
    folder = RunFolder.create(runs, name, recipe=chosen.to_toml(), info=_describe(parts))
    return Experiment(folder, parts)


def reopen(
    run: str | Path, *, epochs: int | None = None, runs: Path = RUNS, data_root: Path | None = None
) -> "Experiment":
    """Bring a run back to its last checkpoint (or to its start, where it has none).

    Arguments:
        run: A path, or a name in the runs folder.
        epochs: Train to this many epochs instead of the recipe's.
        runs: The folder that holds the runs.
        data_root: Where to look for data first.

    Raises:
        VaelError: No such run, other data than it was trained on, or a damaged checkpoint.
    """
    folder = RunFolder.open(run, root=Path(runs))
    recipe = _recipe_of(folder)
    if epochs is not None:
        recipe = recipe.override({"training.epochs": epochs})
    info = folder.info()
    parts = _Parts.build(recipe, data_root, compiled=info["compute"]["compiled"])
    if parts.dataset.fingerprint() != info["data"]["fingerprint"]:
        raise VaelError(f"the data of '{recipe.data.source}' changed since {folder.name} was started: start a new run")
    return Experiment(folder, parts, epochs=epochs)


@dataclass(frozen=True)
class _Parts:
    """Everything that a recipe names, alive."""

    recipe: Recipe
    dataset: Dataset
    treatment: Treatment
    device: torch.device
    model: VAE
    objective: Objective
    plan: Plan
    state: TrainingState
    compile_reason: str

    @classmethod
    def build(cls, recipe: Recipe, data_root: Path | None, *, compiled: bool | None = None) -> "_Parts":
        """Build the parts; `compiled` repeats an earlier choice, None makes one."""
        device = find_device(recipe.training.device)
        dataset = _read_data(recipe.data, data_root)
        treatment = find_treatment(recipe.data.treatment, dataset.num_levels)
        num_steps = recipe.training.epochs * -(-len(dataset.splits["train"]) // max(recipe.training.batch_size, 1))
        plan = build_plan(recipe.training, device, num_steps, compiled=bool(compiled))
        with seeded(recipe.training.seed):
            model = build_model(recipe.model, observe(dataset, treatment)).to(device)
            objective = build_objective(recipe, model, num_steps)
            state = TrainingState.start(model, plan.optimizer.slots, averaged=plan.ema_decay > 0)
        reason = "as in the run's first part"
        if compiled is None and recipe.training.method == "gradient":
            examples = DeviceData.of(dataset.splits["train"], treatment, device).first(plan.batch_size)
            plan, reason = _with_compiling(plan, recipe, model, objective, examples, num_steps)
        return cls(recipe, dataset, treatment, device, model, objective, plan, state, reason)

    def examples(self, split: str) -> DeviceData:
        """Return a split on the device."""
        return DeviceData.of(self.dataset.splits[split], self.treatment, self.device)

    def monitor(self) -> Monitor | None:
        """Judge on the validation split where there is one; else show the test split's bound, which selects nothing."""
        for split, selects in (("valid", True), ("test", False)):
            if split in self.dataset.splits:
                return Monitor(split, self.examples(split), selects)
        return None


def _with_compiling(
    plan: Plan, recipe: Recipe, model: VAE, objective: Objective, examples: DeviceData, num_steps: int
) -> tuple[Plan, str]:
    compiled, reason = choose_compiled(
        recipe.training.compile, model, objective, examples, batch_size=plan.batch_size, num_steps=num_steps
    )
    return replace(plan, compiled=compiled), reason


@dataclass
class Experiment:
    """A training wired to its run folder.

    Arguments:
        folder: Where it is kept.
        parts: What is trained on what.
        epochs: The number of epochs that replaces the recipe's when a run goes on; None keeps it.
        should_stop: Asked before every step; True ends the training there, resumable.
    """

    folder: RunFolder
    parts: _Parts
    epochs: int | None = None
    should_stop: Callable[[], bool] = lambda: False
    stopped: bool = field(default=False, init=False)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.parts.plan.epochs * self.steps_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one epoch."""
        return -(-len(self.parts.dataset.splits["train"]) // self.parts.plan.batch_size)

    def records(self) -> Iterator[Record]:
        """Train; yield each record after it has been appended (and, when it is time, a checkpoint written).

        Raises:
            VaelError: Another process trains into the folder, a number is not finite, or the disk is full; the last
                checkpoint stays.
        """
        with self.folder.locked():
            if self._load():
                return
            self.folder.update_info(status="running", process=os.getpid())
            try:
                yield from self._train()
            except NonFinite as error:
                self.folder.update_info(status="failed", reason=str(error))
                raise
            except BaseException:
                self.folder.update_info(status="interrupted")
                raise

    def _load(self) -> bool:
        """Go to the last checkpoint; return whether there is nothing left to do."""
        state, folder = self.parts.state, self.folder
        numbers = load_checkpoint(folder.path / "checkpoints", state)
        folder.truncate_metrics(numbers["metrics_bytes"] if numbers else 0)
        is_done = folder.info().get("status") == "finished" and (self.epochs is None or state.step >= self.total_steps)
        if not is_done and self.epochs is not None:
            _rewrite_recipe(folder, self.parts.recipe)
        return is_done

    def _train(self) -> Iterator[Record]:
        saved = began = time.monotonic()
        for record in self._steps():
            self.folder.append(record)
            if time.monotonic() - saved >= self.parts.recipe.training.checkpoint_seconds:
                self._save()
                saved = time.monotonic()
            yield record
        self._save()
        if self.stopped:
            self.folder.update_info(status="interrupted")
        else:
            self._finish(time.monotonic() - began)

    def _steps(self) -> Iterator[Record]:
        parts = self.parts
        examples = parts.examples("train")
        if parts.recipe.training.method == "pca":
            yield solve_pca(parts.state, examples)
            return
        yield from fit(
            parts.state, parts.objective, examples, parts.plan, monitor=parts.monitor(), should_stop=self._asked_to_stop
        )

    def _asked_to_stop(self) -> bool:
        self.stopped = self.stopped or self.should_stop()
        return self.stopped

    def _save(self) -> None:
        """Write a checkpoint and the weights to use."""
        extra = {"metrics_bytes": self.folder.metrics_size()}
        save_checkpoint(self.folder.path / "checkpoints", self.parts.state, extra)
        save_weights(self.folder.path / "model.safetensors", self.parts.state.best or self.parts.state.weights())

    def _finish(self, seconds: float) -> None:
        """Judge the weights to use, draw the first pictures and say that the run is done."""
        run = Run(self.folder, None, dataset=self.parts.dataset)
        split = run.default_split
        results = {"split": split, **run.evaluate(split, num_samples=1).as_dict()}
        if run.model.observation.is_image:
            run.draw()
        earlier = float(self.folder.info().get("training_seconds", 0.0))
        self.folder.update_info(
            status="finished",
            training_seconds=round(earlier + seconds, 3),
            results=results,
            steps=self.parts.state.step,
        )


@dataclass
class Run:
    """A trained (or half-trained) run: its model, its data, and the verbs on them.

    Arguments:
        folder: Where it is kept.
        data_root: Where to look for data first.
        dataset: The data, where they are at hand; read again when needed otherwise.
    """

    folder: RunFolder
    data_root: Path | None = None
    dataset: Dataset | None = None

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that made the run."""
        return _recipe_of(self.folder)

    @property
    def info(self) -> dict[str, Any]:
        """What run.json says."""
        return self.folder.info()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The records of the training, in order."""
        return self.folder.metrics()

    @cached_property
    def model(self) -> VAE:
        """The model with the weights to use, in evaluation mode, on the recipe's device or else the CPU."""
        from vael.types import Observation

        stated = self.info["observation"]
        observation = Observation(
            tuple(stated["shape"]), stated["domain"], stated["num_levels"], tuple(stated["columns"])
        )
        with seeded(0):
            model = build_model(self.recipe.model, observation)
        weights = load_weights(self.path / "model.safetensors")
        try:
            model.load_state_dict(weights)
        except RuntimeError:
            raise VaelError(
                f"{self.path}/model.safetensors does not fit its recipe.toml: one of them was replaced"
            ) from None
        return model.to(self._device).eval()

    @property
    def _device(self) -> torch.device:
        name = self.recipe.training.device
        return find_device(name if torch.cuda.is_available() or not name.startswith("cuda") else "cpu")

    def data(self, split: str | None = None) -> DeviceData:
        """Return a split's examples on the model's device.

        Raises:
            VaelError: The data set has no such split.
        """
        if self.dataset is None:
            self.dataset = _read_data(self.recipe.data, self.data_root)
        splits = self.dataset.splits
        split = split or self.default_split
        if split not in splits:
            raise unknown_name("split", split, splits)
        treatment = find_treatment(self.recipe.data.treatment, self.dataset.num_levels)
        return DeviceData.of(splits[split], treatment, self._device)

    @property
    def default_split(self) -> str:
        """`test` where there is one, else `valid`, else `train`."""
        counts = self.info["data"]["counts"]
        return next(split for split in ("test", "valid", "train") if split in counts)

    def batch(self, indices: list[int], *, split: str | None = None) -> Batch:
        """Return chosen examples of a split.

        Raises:
            VaelError: An index is out of range.
        """
        examples = self.data(split)
        for index in indices:
            if not -len(examples) <= index < len(examples):
                raise VaelError(f"an example's number expects 0 … {len(examples) - 1}, got {index}")
        with seeded(0):
            chosen = [index % len(examples) for index in indices]
            return examples.batch(torch.tensor(chosen, device=examples.device))

    def evaluate(self, split: str | None = None, *, num_samples: int = 64, seed: int = 0) -> Evaluation:
        """Estimate the bounds on a split, see `vael.evaluation.evaluate`."""
        return evaluate(self.model, self.data(split), num_samples=num_samples, seed=seed)

    def sample(self, num_samples: int = 64, *, seed: int = 0, mean: bool = True) -> tasks.Samples:
        """Make examples up, see `vael.tasks.sample`."""
        return tasks.sample(self.model, num_samples, seed=seed, mean=mean)

    def reconstruct(self, indices: list[int] | None = None, *, split: str | None = None) -> tasks.Reconstruction:
        """Reconstruct chosen examples (the first ten by default), see `vael.tasks.reconstruct`."""
        count = min(10, len(self.data(split)))
        return tasks.reconstruct(self.model, self.batch(indices or list(range(count)), split=split))

    def interpolate(
        self,
        start: int,
        end: int,
        *,
        num_steps: int = 10,
        path: Literal["straight", "spherical"] = "straight",
        split: str | None = None,
    ) -> tasks.Interpolation:
        """Walk between two examples, see `vael.tasks.interpolate`."""
        return tasks.interpolate(self.model, self.batch([start, end], split=split), num_steps=num_steps, path=path)

    def embed(self, split: str | None = None) -> tasks.Embedding:
        """Encode a split, see `vael.tasks.embed`."""
        return tasks.embed(self.model, self.data(split))

    def labels(self, split: str | None = None) -> list[str] | None:
        """Return the label names of a split's examples, or None where there are none."""
        self.data(split)
        assert self.dataset is not None
        numbers = self.dataset.splits[split or self.default_split].labels
        return None if numbers is None else [self.dataset.classes[number] for number in numbers]

    def draw(self) -> list[Path]:
        """Save samples and reconstructions as pictures under `figures/`; return their paths."""
        scale = self.model.observation.scale
        count = min(20, len(self.data()))
        pairs = self.reconstruct(list(range(count)))
        pictures = {
            "samples.png": image_grid(as_pixels(self.sample(64).x, scale=scale), columns=8),
            "reconstructions.png": pair_grid(as_pixels(pairs.x, scale=scale), as_pixels(pairs.mean, scale=scale)),
        }
        for name, picture in pictures.items():
            save_image(self.path / "figures" / name, picture)
        return [self.path / "figures" / name for name in pictures]


def _drain(experiment: Experiment, on_record: Callable[[Record], None] | None) -> Run:
    for record in experiment.records():
        if on_record is not None:
            on_record(record)
    return Run(experiment.folder, None, dataset=experiment.parts.dataset)


def _read_data(recipe: DataRecipe, data_root: Path | None) -> Dataset:
    size = tuple(recipe.size) if isinstance(recipe.size, list) else recipe.size
    return sources.load(
        recipe.source,
        root=data_root,
        size=size or None,  # pyright: ignore[reportArgumentType] (the loader checks the length)
        color=None if recipe.color == "as-is" else recipe.color,
        valid_fraction=None if recipe.valid_fraction < 0 else recipe.valid_fraction,
        test_fraction=None if recipe.test_fraction < 0 else recipe.test_fraction,
        split_seed=recipe.split_seed,
    )


def _recipe_of(folder: RunFolder) -> Recipe:
    path = folder.path / "recipe.toml"
    return Recipe.from_toml(path.read_text(encoding="utf-8"), where=str(path))


def _rewrite_recipe(folder: RunFolder, recipe: Recipe) -> None:
    from vael.runs import write_atomically

    write_atomically(folder.path / "recipe.toml", recipe.to_toml().encode())


def _default_recipe(source: str | None) -> str:
    """Choose the recipe for a source that comes without one."""
    if source is None:
        return "digits"
    if source in DEFAULT_RECIPES:
        return DEFAULT_RECIPES[source]
    is_table = source.startswith("table:") or source.endswith((".csv", ".csv.gz", ".parquet"))
    return "table" if is_table else "images"


def _next_name(runs: Path, label: str) -> str:
    number = 1
    while (runs / f"{label}-{number}").exists():
        number += 1
    return f"{label}-{number}"


def _describe(parts: _Parts) -> dict[str, Any]:
    """Write down what a run depends on, for run.json."""
    observation, dataset = parts.model.observation, parts.dataset
    return {
        "status": "created",
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": {"vael": _version("vael"), "torch": torch.__version__, "python": platform.python_version()},
        "git_commit": _git_commit(),
        "seed": parts.plan.seed,
        "data": {
            "source": dataset.name,
            "fingerprint": dataset.fingerprint(),
            "counts": {name: len(split) for name, split in dataset.splits.items()},
            "facts": json.loads(json.dumps(dict(dataset.facts))),
        },
        "observation": asdict(observation),
        "num_parameters": sum(param.numel() for param in parts.model.parameters()),
        "compute": {
            "device": str(parts.device),
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "compiled": parts.plan.compiled,
            "compile_reason": parts.compile_reason,
            **asdict(parts.plan.precision),
        },
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown (run from a checkout)"


def _git_commit() -> str | None:
    """Return the commit of the checkout that vael runs from, or None."""
    try:
        where = Path(__file__).parent
        command = ["git", "rev-parse", "HEAD"]
        found = subprocess.run(command, check=False, cwd=where, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
