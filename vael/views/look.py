"""How a figure is to look: the options of `draw`, and of the command line, which takes them from here."""

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_origin, get_type_hints

from vael.errors import unknown_name

__all__ = ["Look"]


@dataclass(frozen=True)
class Look:
    """Say how a figure is to look; every view takes what it uses (`View.uses`) and refuses the rest.

    None leaves the choice to the view: the run's default split, the first fitting examples, the dimensions with the
    largest rate. Traversals and the manifold start at an example's posterior mean or at a draw of the prior, not at the
    prior's mean: with many dimensions no example lies near it.

    Arguments:
        theme: For white paper or for dark screens.
        split: Which examples: train, valid or test.
        examples: Numbers of examples: to reconstruct, to walk between, to mark among the rates; one to start traversals
            and the manifold from.
        dims: Latent dimensions, counted from 0: two for the manifold, any number for traversals.
        start: Where traversals and the manifold keep the other dimensions: at an example, or at a draw of the prior.
        method: How embeddings come down to two dimensions; auto takes two as they are, more by PCA.
        color: What colours the embeddings; auto takes the labels where there are any.
        num_samples: How many samples.
        num_points: Points a side of the manifold; as many as fit a picture without it.
        num_steps: Points of an interpolation, or of a traversal.
        seed: Seed of samples, noise, the start of walks, and t-SNE.
    """

    theme: Literal["light", "dark"] = "light"
    split: str | None = None
    examples: tuple[int, ...] | None = None
    dims: tuple[int, ...] | None = None
    start: Literal["example", "prior"] = "example"
    method: Literal["auto", "direct", "pca", "tsne", "umap"] = "auto"
    color: Literal["auto", "label", "rate", "none"] = "auto"
    num_samples: int = 64
    num_points: int | None = None
    num_steps: int = 11
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse words that no view knows.

        Raises:
            VaelError: An unknown theme, method or color.
        """
        for name, hint in get_type_hints(type(self)).items():
            if get_origin(hint) is Literal and getattr(self, name) not in get_args(hint):
                raise unknown_name(name, str(getattr(self, name)), get_args(hint))

    def changed(self) -> set[str]:
        """Name the fields that are not at their default, the theme aside: it suits every view."""
        names = {item.name for item in fields(self) if getattr(self, item.name) != item.default}
        return names - {"theme"}
