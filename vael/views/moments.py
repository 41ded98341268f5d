"""The snapshots of a run, read, named and cut to their early part."""

from vael.errors import VaelError
from vael.experiments import Run
from vael.experiments.snapshots import Snapshot

__all__ = ["early_part", "name_moment", "read_snapshots"]

EARLY_SHARE = 0.1  # of the training: where most of what can be seen happens


def read_snapshots(run: Run) -> list[Snapshot]:
    """Read a run's snapshots, oldest first.

    Raises:
        VaelError: There are none, or one is damaged.
    """
    snapshots = run.snapshots.load()
    if snapshots:
        return snapshots
    if run.recipe.training.method != "gradient":
        reason = "it was solved in closed form, in one step"
    elif run.recipe.training.snapshots == 0:
        reason = "it was trained with training.snapshots=0"
    else:
        reason = "it has not come so far yet, or they were removed"
    raise VaelError(f"run {run.name} has no snapshots: {reason}; train with training.snapshots=32")


def early_part(snapshots: list[Snapshot]) -> list[Snapshot]:
    """Keep the first tenth of the training, where the snapshots are densest."""
    return [snapshot for snapshot in snapshots if snapshot.step <= max(EARLY_SHARE * snapshots[-1].step, 1)]


def name_moment(snapshot: Snapshot) -> str:
    """Name when a snapshot was taken."""
    if snapshot.step == 0:
        return "untrained"
    return f"epoch {snapshot.epoch:.1f}" if snapshot.epoch >= 0.95 else f"step {snapshot.step:,}"
