"""`vael detect`."""

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from vael.cli.options import Output, Places, open_run
from vael.cli.words import plain_table
from vael.errors import VaelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vael.data.batches import DeviceData
    from vael.experiments import Run
    from vael.tasks import Detection

__all__ = ["detect"]

Flag = Annotated[bool, Parameter(negative="")]
SHOWN = 10


def detect(
    run: str,
    data: str | None = None,
    *,
    score: str | None = None,
    false_alarms: float = 0.01,
    split: str | None = None,
    calibrate: str | None = None,
    label: str | None = None,
    anomalous: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    num_points: int | None = None,
    output: Output = None,
    picture: Path | None = None,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Find what does not belong: a score in nats for each example, a p-value, and the cells to blame.

    For example:

        vael detect wine-1 delivery.csv --false-alarms 0.01 --output scores.csv
        vael detect basic-1 scans/ --picture strangest.png
        vael detect basic-1 fashion-mnist --score regret

    Parameters
    ----------
    run
        A run's name or path. What it was trained on is what is normal.
    data
        A table, a folder or zip of images, .npy, .npz, one image, or a name of `vael datasets`. Without it, the run's
        own data.
    score
        How strangeness is measured: exemplar, nll, rate, distortion, embedding, typicality or regret. Without it,
        exemplar for tables and nll for images, or the first of these that the model can serve.
    false_alarms
        The share of normal examples that may be called anomalies.
    split
        Which examples of data that have splits; the test split where there is one.
    calibrate
        The split of the run's own data, not trained on, that says what is normal; valid, or else test.
    label
        What the examples show, for a conditional model.
    anomalous
        Labels of the data that are anomalies: how well the score tells them from the others is printed (AUROC).
    num_points
        How many latents an example, where the score integrates over z; its own choice without it.
    output
        A .csv, .parquet or .npz file for the scores of all examples.
    picture
        A picture of the strangest examples: what came, what the model expected, and which cells are to blame.
    json
        Print one JSON object.
    """
    opened = open_run(run, places)
    examples, labels = (
        (opened.data(split), opened.labels(split))
        if data is None
        else opened.foreign_data(data, split=split, label=label)
    )
    found = opened.detect(
        None if data is None else examples,
        score=score,
        false_alarms=false_alarms,
        split=split,
        calibrate=calibrate,
        num_points=num_points,
    )
    detector = opened.detector(score, calibrate=calibrate, num_points=num_points)
    if output is not None:
        _write(output, found, labels)
    strangest = found.strangest(SHOWN)
    if picture is not None:
        _draw(picture, opened, examples, found, strangest)
    told = {
        "score": detector.score.name,
        "count": len(found.score_nats),
        "anomalies": int(found.is_anomaly.sum()),
        "false_alarms": false_alarms,
        "threshold_nats": found.threshold_nats,
        "calibration_examples": len(detector.calibration.scores),
        "auroc": _auroc(found.score_nats, labels, anomalous),
    }
    if json:
        print(json_module.dumps(told | {"output": output and str(output), "picture": picture and str(picture)}))
        return
    _print(told, found, labels, strangest)
    for path in (output, picture):
        if path is not None:
            print(path)


def _auroc(scores: "NDArray[np.float64]", labels: list[str] | None, anomalous: list[str] | None) -> float | None:
    """Return how well scores tell the labels that are anomalies from the others; None where nothing is known."""
    if not anomalous:
        return None
    from sklearn.metrics import roc_auc_score

    unknown = [name for name in anomalous if name not in (labels or ())]
    if labels is None or unknown:
        known = ", ".join(sorted(set(labels or ()))) or "none"
        raise VaelError(f"--anomalous expects labels of the data, got {', '.join(unknown)}: they have {known}")
    is_anomaly = [label in anomalous for label in labels]
    if all(is_anomaly):
        raise VaelError("--anomalous names every label of the data: leave out those that are normal")
    return float(roc_auc_score(is_anomaly, scores))


def _write(path: Path, found: "Detection", labels: list[str] | None) -> None:
    from vael.cli.outputs import write_numbers

    numbers = {
        "example": range(len(found.score_nats)),
        "score_nats": found.score_nats,
        "p_value": found.p_values,
        "is_anomaly": found.is_anomaly,
    }
    write_numbers(path, numbers | ({"label": labels} if labels else {}), ())


def _draw(path: Path, run: "Run", examples: "DeviceData", found: "Detection", strangest: "NDArray[np.int64]") -> None:
    """Draw the strangest examples and the cells to blame."""
    from vael.figures import draw_blamed_cells, draw_blamed_images, save_figure
    from vael.tasks import blame

    parts = blame(run.model, examples.chosen(strangest))
    numbers = [str(number) for number in strangest]
    if run.is_image:
        figure = draw_blamed_images(
            run.pixels(parts.x),
            run.pixels(parts.mean),
            parts.nats,
            labels=numbers,
            title=f"The strangest for {run.name}",
        )
    else:
        figure = draw_blamed_cells(
            parts.nats,
            columns=run.columns,
            rows=[f"{number} · p {found.p_values[number]:.2g}" for number in strangest],
            title=f"The strangest for {run.name}, and their cells",
        )
    save_figure(figure, path)


def _print(told: dict[str, Any], found: "Detection", labels: list[str] | None, strangest: "NDArray[np.int64]") -> None:
    console = Console(highlight=False)
    console.print(
        f"{told['anomalies']:,} of {told['count']:,} examples are anomalies: {told['score']} above "
        f"{told['threshold_nats']:.2f} nats"
    )
    console.print(
        f"  as {told['false_alarms']:.3g} of normal ones would be, by {told['calibration_examples']:,} of them",
        style="dim",
    )
    if told["auroc"] is not None:
        console.print(f"AUROC {told['auroc']:.4f}")
    table = plain_table("example", "score", "p-value", *(["label"] if labels else []))
    for number in strangest:
        row = [f"{found.score_nats[number]:.2f}", f"{found.p_values[number]:.2g}"]
        table.add_row(str(number), *row, *([labels[number]] if labels else []))
    console.print()
    console.print(table)
