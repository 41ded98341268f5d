"""Where the examples lie in the latent space."""

from collections.abc import Sequence

from vael.errors import VaelError
from vael.experiments import Run
from vael.figures import Figure, draw_amounts, draw_embedding
from vael.tasks import project
from vael.views.base import Look, View

__all__ = ["Embeddings"]

MAX_POINTS = 10_000


class Embeddings(View):
    """The posterior means of a split in two dimensions, coloured by label."""

    summary = "the posterior means in two dimensions (direct, PCA, t-SNE or UMAP), coloured by label"
    uses = frozenset({"method", "color", "split", "seed"})

    def refusal(self, run: Run) -> str | None:
        return None if run.model.latent_dim >= 2 else "two latent dimensions, and this model has one"

    def draw(self, runs: Sequence[Run], look: Look) -> Figure:
        (run,) = runs
        labels = run.labels(look.split)
        if look.color == "label" and labels is None:
            raise VaelError(f"{run.recipe.data.source} has no labels to colour by: use color rate or none")
        if look.color == "rate" and not run.has_rate:
            raise VaelError(
                f"run {run.name} is a plain autoencoder and has no rate to colour by: use color label or none"
            )
        embedding = run.embed(look.split)
        method = look.method
        if method == "auto":
            method = "direct" if run.model.latent_dim == 2 else "pca"
        plane = project(embedding.mean[:MAX_POINTS], method=method, seed=look.seed)
        if look.color == "rate":
            rates = embedding.rate_nats[:MAX_POINTS]
            return draw_amounts(plane.points, rates, name="rate (nats)", axes=plane.axes, theme=look.theme)
        shown = labels[:MAX_POINTS] if labels and look.color != "none" else None
        return draw_embedding(plane.points, labels=shown, axes=plane.axes, theme=look.theme)
