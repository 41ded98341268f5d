"""Runs: list, look up, rename, stop, resume, delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from vael.errors import VaelError
from vael.experiments import Run
from vael.experiments.snapshots import Snapshots
from vael.posteriors import POSTERIORS
from vael.studio.form import flat_settings
from vael.studio.live import thinned
from vael.studio.packing import plain
from vael.studio.state import TheStudio
from vael.views.report.summary import bounds_rows, environment, recipe_in_words

__all__ = ["router"]

router = APIRouter(tags=["runs"])


class NewName(BaseModel):
    """Name a run anew."""

    name: str = Field(min_length=1, max_length=100)


class MoreEpochs(BaseModel):
    """Say how far to train; None keeps the recipe's epochs."""

    epochs: int | None = Field(None, ge=1, le=10**6)


@router.get("/runs")
def list_all(studio: TheStudio) -> dict[str, Any]:
    """List every run with its state and main numbers, oldest first."""
    studio.trainings.tidy()
    return {"folder": str(studio.root), "runs": plain(studio.shelf.summaries())}


@router.get("/runs/{name}")
def look_up(name: str, studio: TheStudio) -> dict[str, Any]:
    """Describe one run: its recipe, its environment, its results, and what can be shown of it."""
    folder = studio.shelf.find(name)
    run = Run(folder, studio.data_root)
    info, recipe = folder.info(), run.recipe
    results = info.get("results")
    described = {
        "summary": studio.shelf.summary(folder),
        "info": info,
        "recipe": recipe.to_toml(),
        "settings": flat_settings(recipe),
        "recipe_in_words": recipe_in_words(run),
        "environment": environment(run),
        "results": bounds_rows([results]) if results else [],
        "observation": {"shape": run.observation.shape, "is_image": run.is_image, "columns": run.columns},
        "latent_dim": recipe.model.latent_dim,
        "has_rate": POSTERIORS[recipe.model.posterior.name].has_density,
        "has_weights": (folder.path / "model.safetensors").exists(),
        "snapshots": Snapshots(folder.path / "snapshots").steps(),
    }
    return plain(described)


@router.get("/runs/{name}/records")
def records(name: str, studio: TheStudio) -> list[dict[str, Any]]:
    """Return the records of the training, thinned to what a chart can show."""
    return plain(thinned(studio.shelf.find(name).metrics()))


@router.get("/runs/{name}/rates")
def rates(name: str, studio: TheStudio) -> dict[str, Any]:
    """Return the mean rate of each dimension, in nats, at each snapshot."""
    history = Snapshots(studio.shelf.find(name).path / "snapshots").rate_history()
    if history is None:
        return {"steps": [], "epochs": [], "rate_per_dim_nats": []}
    return plain({"steps": history.steps, "epochs": history.epochs, "rate_per_dim_nats": history.rate_per_dim})


@router.patch("/runs/{name}")
def rename(name: str, new: NewName, studio: TheStudio) -> dict[str, Any]:
    """Rename a run that is not being trained."""
    folder = studio.shelf.locate(name)
    with _in_conflict():
        return {"name": folder.rename(new.name).name}


@router.delete("/runs/{name}", status_code=204)
def delete(name: str, studio: TheStudio) -> Response:
    """Delete a run that is not being trained, for good."""
    folder = studio.shelf.locate(name)
    with _in_conflict():
        folder.delete()
    return Response(status_code=204)


@router.post("/runs/{name}/stop", status_code=202)
def stop(name: str, studio: TheStudio) -> dict[str, Any]:
    """Ask a training to stop at its next step; it can be resumed."""
    folder = studio.shelf.find(name)
    with _in_conflict():
        folder.stop()
    return {"name": name}


@router.post("/runs/{name}/resume", status_code=202)
def resume(name: str, more: MoreEpochs, studio: TheStudio) -> dict[str, Any]:
    """Go on with a run from its last checkpoint."""
    folder = studio.shelf.find(name)
    with _in_conflict():
        studio.trainings.resume(folder, more.epochs)
    return {"name": name}


@contextmanager
def _in_conflict() -> Iterator[None]:
    """Answer 409 where the run's state forbids what was asked."""
    try:
        yield
    except VaelError as error:
        raise HTTPException(409, str(error)) from None
