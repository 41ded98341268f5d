"""A view says what to show of a run: it asks tasks for the arrays and `figures` for the picture.

To add one: subclass `View` in a file named for what it shows, and give it a line in `VIEWS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from vael.experiments import Run
from vael.views.look import Look

if TYPE_CHECKING:
    from vael.figures import Figure

__all__ = ["Look", "View", "name_examples"]


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
