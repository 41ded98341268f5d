"""How a training shows itself in a notebook: one place that changes while it runs, one line that stays.

Nothing is asked of the notebook but IPython's own display: no widget, no script. IPython is never imported where it is
not running already, and what is shown is also there as plain text, for the places that show a saved notebook without
its HTML.
"""

import html
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vael.runs import Record

if TYPE_CHECKING:
    from vael.experiments.experiment import Experiment

__all__ = ["in_notebook", "run_line", "show_in_notebook"]

LEAST_SECONDS = 0.3
"""Between two updates: more often than that nobody can read, and every one of them travels to the browser."""

TERMS = {"elbo_nats": "ELBO", "rate_nats": "rate", "distortion_nats": "distortion"}
CELL = "padding: 0 1.2em 0 0; border: 0; background: none; font-variant-numeric: tabular-nums"


def in_notebook() -> bool:
    """Whether this process is the live kernel of a notebook."""
    find_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return find_shell is not None and getattr(find_shell(), "kernel", None) is not None


def show_in_notebook(experiment: "Experiment") -> Iterator[Record]:
    """Train; yield each record after showing it, if there is a notebook to show it in."""
    if not in_notebook():
        yield from experiment.records()
        return
    board = _Board(experiment)
    try:
        for record in experiment.records():
            board.show(record)
            yield record
    finally:
        board.close()


@dataclass
class _Board:
    """The one place in the notebook.

    Arguments:
        experiment: Whose training it shows.
    """

    experiment: "Experiment"
    latest: dict[str, Record] = field(default_factory=dict, init=False)
    speed: float = field(default=0.0, init=False)
    updated: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Open the place."""
        from IPython.display import display  # pyright: ignore[reportMissingImports] (it is running already)

        self.handle: Any = display(self._state(), raw=True, display_id=True)

    def show(self, record: Record) -> None:
        """Take a record in, and show it unless another was shown just now."""
        self.latest[record.split] = record
        if record.seconds:
            self.speed = record.num_examples / record.seconds
        if time.monotonic() - self.updated >= LEAST_SECONDS:
            self._update(self._state())

    def close(self) -> None:
        """Leave one line: what was reached, or where it ended."""
        folder = self.experiment.folder
        info = folder.info()
        is_finished = info.get("status") == "finished"
        self._update(run_line(folder.name, info) if is_finished else self._where_it_ended(str(info.get("status"))))

    def _update(self, shown: dict[str, str]) -> None:
        self.handle.update(shown, raw=True)
        self.updated = time.monotonic()

    @property
    def _place(self) -> tuple[int, int, float]:
        """The epoch it is in, of how many, and the share of the steps that are done."""
        last = max(self.latest.values(), key=lambda record: record.step, default=None)
        done = last.step / max(self.experiment.total_steps, 1) if last else 0.0
        return last.epoch if last else 0, self.experiment.parts.plan.epochs, min(done, 1.0)

    def _where_it_ended(self, status: str) -> dict[str, str]:
        epoch, epochs, _ = self._place
        return _as_line(self.experiment.folder.name, f"{status} at epoch {epoch}/{epochs}")

    def _state(self) -> dict[str, str]:
        """Both forms of how far it is: a heading, a thin bar and a row of terms for each split."""
        epoch, epochs, share = self._place
        heading = f"epoch {epoch}/{epochs}"
        if self.speed:
            heading += f" · {self.speed:,.0f} examples/s"
        elif self.experiment.parts.plan.compiled:
            heading += " · compiling the step, once …"
        has_rate = self.experiment.parts.model.has_density
        rows = {split: _terms(record.values, has_rate) for split, record in self.latest.items()}
        name = self.experiment.folder.name
        text = "\n".join([f"{name} · {heading}", *(f"  {split}  {_sentence(terms)}" for split, terms in rows.items())])
        page = f"<div><b>{html.escape(name)}</b> · {heading}{_bar(share)}{_table(rows)}</div>"
        return {"text/html": page, "text/plain": text}


def _terms(values: Any, has_rate: bool) -> dict[str, float]:
    """Return the bound and its terms by name; of a model without a rate, which has no bound, only the distortion."""
    names = TERMS if has_rate else {"distortion_nats": "distortion"}
    return {name: values[key] for key, name in names.items() if values.get(key) is not None}


def _sentence(terms: dict[str, float]) -> str:
    """Write terms as the equation that they are, where all three are there."""
    if len(terms) < len(TERMS):
        return ", ".join(f"{name} {value:.2f} nats" for name, value in terms.items())
    return f"ELBO {terms['ELBO']:.2f} = -(rate {terms['rate']:.2f} + distortion {terms['distortion']:.2f}) nats"


def run_line(name: str, info: dict[str, Any]) -> dict[str, str]:
    """Return a run in one line, as HTML and as plain text: what it reached and how long it took, else its status.

    Arguments:
        name: The run's name.
        info: What its run.json says.
    """
    results = info.get("results")
    if not results:
        return _as_line(name, f"{info['data']['source']} · {info.get('status', 'not started')}")
    terms = _terms(results, results["elbo_nats"] is not None)
    return _as_line(name, f"trained in {info['training_seconds']:.1f} s · {results['split']} {_sentence(terms)}")


def _as_line(name: str, words: str) -> dict[str, str]:
    return {"text/html": f"<div><b>{html.escape(name)}</b> · {words}</div>", "text/plain": f"{name} · {words}"}


def _bar(share: float) -> str:
    """Draw a thin bar in the text's own colour, so that it suits a light page as well as a dark one."""
    full = "position: relative; height: 3px; max-width: 36em; margin: 4px 0; border-radius: 2px; overflow: hidden"
    track = '<div style="position: absolute; inset: 0; background: currentColor; opacity: 0.15"></div>'
    done = f"position: absolute; inset: 0; width: {share:.1%}; background: currentColor; opacity: 0.7"
    return f'<div style="{full}">{track}<div style="{done}"></div></div>'


def _table(rows: dict[str, dict[str, float]]) -> str:
    """Lay the terms out, one row a split, in nats."""
    if not rows:
        return ""
    names = max(rows.values(), key=len)
    lines = [_row("nats", [*names], muted=True)]
    lines += [_row(split, [f"{value:.2f}" for value in terms.values()]) for split, terms in rows.items()]
    style = "border: 0; border-collapse: collapse; margin: 0; color: inherit; font-size: inherit; background: none"
    return f'<table style="{style}">{"".join(lines)}</table>'


def _row(head: str, cells: list[str], *, muted: bool = False) -> str:
    faint = "; opacity: 0.6"
    style = f"{CELL}; text-align: right{faint if muted else ''}"
    inside = "".join(f'<td style="{style}">{cell}</td>' for cell in cells)
    return f'<tr><td style="{CELL}; text-align: left{faint}">{head}</td>{inside}</tr>'
