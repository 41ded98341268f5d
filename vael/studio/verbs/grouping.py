"""Group the examples of a run's default split."""

from typing import Any

from vael.studio.desk import Desk
from vael.studio.packing import pack
from vael.tasks.cluster import ClusterMethod

__all__ = ["cluster"]

SHOWN = 8  # members of a cluster


def cluster(desk: Desk, *, method: ClusterMethod | None, num_clusters: int | None, seed: int = 0) -> dict[str, Any]:
    """Find clusters; each with its centre, its size, its members nearest to the centre, and its most frequent label.

    Raises:
        VaelError: As `Run.cluster`.
    """
    with desk.lock:
        return desk.recall(("cluster", method, num_clusters, seed), lambda: _describe(desk, method, num_clusters, seed))


def _describe(desk: Desk, method: ClusterMethod | None, num_clusters: int | None, seed: int) -> dict[str, Any]:
    run = desk.run
    found = run.cluster(method, num_clusters, num_members=SHOWN, seed=seed)
    labels = run.labels()
    majorities = found.majorities(labels) if labels else [("", float("nan"))] * len(found.sizes)
    members = [[int(number) for number in row if number >= 0] for row in found.members]
    return {
        "method": found.method,
        "count": len(found.labels),
        "split": run.default_split,
        "centers": pack(desk.pictures(found.decoded)),
        "clusters": [
            {"size": int(size), "members": numbers, "label": label or None, "share": share}
            for size, numbers, (label, share) in zip(found.sizes, members, majorities, strict=True)
        ],
        "pictures": pack(desk.originals([number for row in members for number in row])) if run.is_image else None,
        "agreement": found.agreement,
    }
