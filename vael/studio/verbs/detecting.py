"""Find the strange among the run's own examples or those of an upload."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vael import tasks
from vael.data.batches import DeviceData
from vael.errors import VaelError
from vael.figures import heat_colours, heat_shares
from vael.studio.desk import Desk
from vael.studio.packing import pack
from vael.studio.uploads import Upload
from vael.tasks import Detection

__all__ = ["detect"]

SHOWN = 12


@dataclass(frozen=True)
class _Judged:
    """Hold examples and what was found of them."""

    data: DeviceData
    labels: list[str] | None
    found: Detection


def detect(
    desk: Desk, upload: Upload | None, *, score: str | None, false_alarms: float, label: str | None = None
) -> dict[str, Any]:
    """Score the default split or an upload; another share of false alarms does not score it anew.

    Raises:
        VaelError: As `Run.detect`.
    """
    with desk.lock:
        run = desk.run
        score = score or tasks.fitting_scores(run.model)[0]
        calibration = run.detector(score).calibration
        threshold = calibration.threshold(false_alarms)  # refused before anything is scored
        key = "detect", score, label, None if upload is None else (upload.digest, upload.ending)
        judged = desk.recall(key, lambda: _judge(desk, upload, score, false_alarms, label))
        found = replace(judged.found, false_alarms=false_alarms, threshold_nats=threshold)
        return {
            "score": score,
            "count": len(found.score_nats),
            "anomalies": int(found.is_anomaly.sum()),
            "false_alarms": false_alarms,
            "threshold_nats": threshold,
            "calibration": {"split": run.find_calibration(), "score_nats": pack(calibration.scores)},
            "is_own": upload is None,
            "score_nats": pack(found.score_nats),
            "p_values": pack(found.p_values),
            "is_anomaly": pack(found.is_anomaly.astype(np.uint8)),
            "labels": judged.labels,
            **_blame(desk, judged, found),
        }


def _judge(desk: Desk, upload: Upload | None, score: str, false_alarms: float, label: str | None) -> _Judged:
    run = desk.run
    if upload is None:
        return _Judged(run.data(), run.labels(), run.detect(score=score, false_alarms=false_alarms))
    with upload.as_file(".csv", ".npy", ".zip") as path:
        data, labels = run.foreign_data(path, label=label)
    return _Judged(data, labels, run.detect(data, score=score, false_alarms=false_alarms))


def _blame(desk: Desk, judged: _Judged, found: Detection) -> dict[str, Any]:
    """Describe the strangest examples and the cells to blame; `no_blame` says why there are none."""
    strangest, run = found.strangest(SHOWN), desk.run
    batch = judged.data.chosen(strangest)
    described = {
        "strangest": [
            {
                "example": int(number),
                "label": judged.labels[number] if judged.labels else None,
                "score_nats": found.score_nats[number],
                "p_value": found.p_values[number],
                "is_anomaly": bool(found.is_anomaly[number]),
            }
            for number in strangest
        ],
        "x": pack(desk.pictures(batch.x.cpu().numpy())),
    }
    try:
        parts = tasks.blame(run.model, batch)
    except VaelError as error:
        return {**described, "expected": None, "heat": None, "nats": None, "no_blame": str(error)}
    return {
        **described,
        "expected": pack(desk.pictures(parts.mean)),
        "heat": pack(heat_colours(parts.nats) if run.is_image else heat_shares(parts.nats).astype(np.float32)),
        "nats": None if run.is_image else pack(parts.nats),
        "no_blame": None,
    }
