"""A view says what to show of a run: it asks tasks for the arrays and `figures` for the picture.

To add one: subclass `View` in a file named for what it shows, and give it a line in `VIEWS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal, get_args, get_origin, get_type_hints

from vael.errors import unknown_name
from vael.experiments import Run

if TYPE_CHECKING:
    from vael.figures import Figure

__all__ = ["Look", "View", "name_examples"]


@dataclass(frozen=True)
class Look:
    """Say how a figure is to look; every view takes what it uses (`View.uses`) and refuses the rest.

    Arguments:
        theme: `light` or `dark`.
        split: Which examples: train, valid or test; None takes the run's default, the test split where there is one.
        seed: Seed of samples, of noise, of where walks start, and of t-SNE.
        num_samples: How many samples to show.
        num_points: Points a side of the manifold's grid; None takes as many as fit a picture, 20 for small images.
        num_steps: Points of an interpolation, or of a traversal's row.
        dims: Which latent dimensions, counted from 0; None takes those with the largest rate.
        examples: Numbers of examples in the split; None takes the first fitting ones.
        start: Where traversals and the manifold keep the other dimensions: at an example's posterior mean, or at a draw
            of the prior. Not at the prior's mean: with many dimensions no example lies near it.
        method: How latents come down to two dimensions; `auto` takes them directly if they have two, else PCA.
        color: What colours an embedding; `auto` takes the labels where there are any.
    """

    theme: Literal["light", "dark"] = "light"
    split: str | None = None
    seed: int = 0
    num_samples: int = 64
    num_points: int | None = None
    num_steps: int = 11
    dims: tuple[int, ...] | None = None
    examples: tuple[int, ...] | None = None
    start: Literal["example", "prior"] = "example"
    method: Literal["auto", "direct", "pca", "tsne", "umap"] = "auto"
    color: Literal["auto", "label", "rate", "none"] = "auto"

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


class View(ABC):
    """Show one thing of a run."""

    summary: ClassVar[str]
    """What it shows, one line."""
    uses: ClassVar[frozenset[str]] = frozenset()
    """The fields of `Look` that change it, besides the theme."""
    compares: ClassVar[bool] = False
    """Whether it shows several runs in one figure; the others get exactly one."""

    @abstractmethod
    def refusal(self, run: Run) -> str | None:
        """Say what the run lacks for this view, as the end of the sentence "it needs …"; None if it makes sense."""

    @abstractmethod
    def draw(self, runs: Sequence[Run], look: Look) -> "Figure":
        """Draw the figure.

        Raises:
            VaelError: An example, a dimension, a split or a label is asked for that is not there.
        """


def name_examples(run: Run, examples: Sequence[int], split: str | None) -> list[str]:
    """Name examples by split, number and, where there are labels, label: `test 7 (9)`.

    Raises:
        VaelError: A number is out of range.
    """
    labels = run.labels(split)
    chosen, split = run.find_examples(examples, split=split), split or run.default_split
    return [f"{split} {example}" + (f" ({labels[example]})" if labels else "") for example in chosen]
