"""A training wired to its run folder."""

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.experiments.describe import describe_parts
from vael.experiments.notebook import show_in_notebook
from vael.experiments.parts import Parts, read_recipe
from vael.experiments.run import RUNS, Run
from vael.experiments.snapshots import Snapshots, affordable_embeddings, snapshot_steps
from vael.experiments.starting import fit_bias, take_weights
from vael.recipe import Recipe
from vael.runs import Record, RunFolder, write_atomically
from vael.training import NonFinite, Pause, fit, load_checkpoint, save_checkpoint, save_weights
from vael.training.closed_form import solve_pca

__all__ = ["Experiment", "next_name", "prepare", "reopen", "resume", "train"]

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
        on_record: Called with each record as it is made; without it a training in a notebook shows itself.
        options: Those of `prepare`: `recipe`, `settings`, `name`, `runs`, `data_root`.

    Raises:
        VaelError: What the user asked for cannot be done; the message says why and what to try.
    """
    return _drain(prepare(source, **options), on_record)


def resume(run: str | Path, *, on_record: Callable[[Record], None] | None = None, **options: Any) -> "Run":
    """Go on with a run from its last checkpoint, to the very weights of a run that was never stopped.

    Arguments:
        run: A path, or a name in the runs folder.
        on_record: Called with each record as it is made; without it a training in a notebook shows itself.
        options: Those of `reopen`: `epochs`, `runs`, `data_root`.
    """
    return _drain(reopen(run, **options), on_record)


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
    parts = Parts.build(chosen, data_root)
    runs = Path(runs)
    started_from = _start(parts, runs)
    name = name or next_name(runs, Path(label).stem)
    folder = RunFolder.create(runs, name, recipe=chosen.to_toml(), info=describe_parts(parts) | started_from)
    if started_from:  # whoever resumes the run needs neither another one nor luck
        save_checkpoint(folder.path / "checkpoints", parts.state, {"metrics_bytes": 0})
    return Experiment(folder, parts)


def _start(parts: Parts, runs: Path) -> dict[str, Any]:
    """Give the fresh state other weights than random ones where the recipe says so; return what run.json says of it."""
    training = parts.recipe.training
    if training.start_from and training.bias_steps:
        raise VaelError("training.start_from brings a bias along: leave out training.bias_steps, or start afresh")
    if training.method == "pca" and training.bias_steps:
        raise VaelError("training.method = 'pca' finds the bias itself: leave out training.bias_steps, or use gradient")
    if training.start_from:
        return {"started_from": take_weights(parts.state, training.start_from, runs=runs)}
    if training.bias_steps:
        fit_bias(parts.state, parts.examples("train"), training.bias_steps, seed=training.seed)
        return {"started_from": {"bias_steps": training.bias_steps}}
    return {}


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
    recipe = read_recipe(folder)
    if epochs is not None:
        recipe = recipe.override({"training.epochs": epochs})
    info = folder.info()
    if "refitted_from" in info:
        raise VaelError(f"{folder.name} has a prior fitted to {info['refitted_from']['run']}: resume that and refit it")
    data_path = info["data"].get("path")
    parts = Parts.build(recipe, data_root, compiled=info["compute"]["compiled"], data_path=data_path)
    if parts.dataset.fingerprint() != info["data"]["fingerprint"]:
        raise VaelError(f"the data of '{recipe.data.source}' changed since {folder.name} was started: start a new run")
    return Experiment(folder, parts, epochs=epochs)


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
    parts: Parts
    epochs: int | None = None
    should_stop: Callable[[], bool] = lambda: False
    stopped: bool = field(default=False, init=False)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training, if patience does not end it before; the exact optimum takes one."""
        is_exact = self.parts.recipe.training.method == "pca"
        return 1 if is_exact else self.parts.plan.epochs * self.steps_per_epoch

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
        process = {"process": os.getpid(), "host": platform.node()}
        with self.folder.locked():
            if self.folder.info().get("status") == "running":  # killed: the process to stop is this one from now on
                self.folder.update_info(**process)
            if self._load():
                return
            self.folder.update_info(status="running", total_steps=self.total_steps, **process)
            self.folder.note(self._how_it_begins())
            try:
                yield from self._train()
            except BaseException as error:
                with suppress(
                    VaelError
                ):  # on a full disk even this cannot be written: the first error is the one to see
                    self.folder.update_info(**_how_it_ended(error))
                self.folder.note(_ending_in_words(error, self.parts.state.step))
                raise

    def _load(self) -> bool:
        """Go to the last checkpoint; return whether there is nothing left to do."""
        state, folder = self.parts.state, self.folder
        numbers = load_checkpoint(folder.path / "checkpoints", state)
        folder.truncate_metrics(numbers["metrics_bytes"] if numbers else 0)
        self._snapshots.forget_after(state.step)
        is_done = folder.info().get("status") == "finished" and (self.epochs is None or state.step >= self.total_steps)
        if not is_done and self.epochs is not None:
            write_atomically(folder.path / "recipe.toml", self.parts.recipe.to_toml().encode())
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
            self.folder.note(f"stopped at step {self.parts.state.step:,}")
        else:
            self._finish(time.monotonic() - began)

    def _steps(self) -> Iterator[Record]:
        parts = self.parts
        examples = parts.training_examples()
        if parts.recipe.training.method == "pca":
            yield solve_pca(parts.state, examples)
            return
        stops = snapshot_steps(self.total_steps, parts.recipe.training.snapshots)
        events = fit(
            parts.state,
            parts.objective,
            examples,
            parts.plan,
            monitor=parts.monitor(),
            pauses=stops,
            should_stop=self._asked_to_stop,
        )
        pictured = parts.examples(parts.dataset.default_split)
        trained = len(examples) * parts.plan.epochs
        num_embedded = affordable_embeddings(parts.model, examples_trained=trained, num_snapshots=len(stops))
        for event in events:
            if isinstance(event, Pause):
                self._take_snapshot(pictured, num_embedded)
            else:
                yield event

    @property
    def _snapshots(self) -> Snapshots:
        return Snapshots(self.folder.path / "snapshots")

    def _take_snapshot(self, examples: DeviceData, num_embedded: int) -> None:
        """Keep a picture of the model as it would be used now."""
        state, plan = self.parts.state, self.parts.plan
        with state.in_use() as model, plan.precision.multiplying():
            self._snapshots.take(
                model,
                examples,
                step=state.step,
                steps_per_epoch=self.steps_per_epoch,
                examples=self.parts.recipe.training.snapshot_examples,
                num_embedded=num_embedded,
                seed=plan.seed,
            )

    def _asked_to_stop(self) -> bool:
        self.stopped = self.stopped or self.should_stop()
        return self.stopped

    def _save(self) -> None:
        """Write a checkpoint and the weights to use."""
        extra = {"metrics_bytes": self.folder.metrics_size()}
        save_checkpoint(self.folder.path / "checkpoints", self.parts.state, extra)
        save_weights(self.folder.path / "model.safetensors", self.parts.state.best or self.parts.state.weights())
        self.folder.note(f"checkpoint at step {self.parts.state.step:,}")

    def _finish(self, seconds: float) -> None:
        """Judge the weights to use, draw the first pictures and say that the run is done."""
        run = Run(self.folder, None, dataset=self.parts.dataset)
        split = run.default_split
        results = {"split": split, **run.evaluate(split, num_samples=1).as_dict()}
        if run.model.observation.is_image:
            run.save_pictures()
        earlier = float(self.folder.info().get("training_seconds", 0.0))
        self.folder.update_info(
            status="finished",
            training_seconds=round(earlier + seconds, 3),
            results=results,
            steps=self.parts.state.step,
        )
        self.folder.note(f"finished at step {self.parts.state.step:,} in {seconds:.1f} s: {_bound_in_words(results)}")

    def _how_it_begins(self) -> str:
        """Say for the log where and how the training goes on."""
        parts, step = self.parts, self.parts.state.step
        begun = f"taken up again at step {step:,}" if step else "started"
        mode = "compiled" if parts.plan.compiled else "eager"
        return f"training {begun} of {self.total_steps:,} on {parts.device}, {mode} steps: {parts.compile_reason}"


def _bound_in_words(results: Mapping[str, Any]) -> str:
    """Write the bound of an evaluation; of a plain autoencoder, which has none, the distortion."""
    name, key = ("ELBO", "elbo_nats") if results["elbo_nats"] is not None else ("distortion", "distortion_nats")
    return f"{name} {results[key]:.2f} nats on the {results['split']} split"


def _ending_in_words(error: BaseException, step: int) -> str:
    if isinstance(error, NonFinite):
        return f"failed: {error}"
    is_asked = isinstance(error, (KeyboardInterrupt, GeneratorExit))
    why = "" if is_asked else f" by {type(error).__name__}: {error}"
    return f"{'stopped' if is_asked else 'interrupted'} at step {step:,}{why}"


def _how_it_ended(error: BaseException) -> dict[str, str]:
    if isinstance(error, NonFinite):
        return {"status": "failed", "reason": str(error)}
    return {"status": "interrupted"}


def _drain(experiment: Experiment, on_record: Callable[[Record], None] | None) -> Run:
    for record in show_in_notebook(experiment) if on_record is None else experiment.records():
        if on_record is not None:
            on_record(record)
    return Run(experiment.folder, None, dataset=experiment.parts.dataset)


def _default_recipe(source: str | None) -> str:
    """Choose the recipe for a source that comes without one."""
    if source is None:
        return "digits"
    if source in DEFAULT_RECIPES:
        return DEFAULT_RECIPES[source]
    is_table = source.startswith("table:") or source.endswith((".csv", ".csv.gz", ".parquet"))
    return "table" if is_table else "images"


def next_name(runs: Path, label: str) -> str:
    """Return the first of `label-1`, `label-2`, … that is free in the runs folder."""
    number = 1
    while (runs / f"{label}-{number}").exists():
        number += 1
    return f"{label}-{number}"
