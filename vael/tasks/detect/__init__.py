"""Detect what does not belong: scores in nats, calibrated to a share of false alarms, with the cells to blame.

`SCORES` is the table of scores; a member touches its file and one line of it. `Detector.calibrated(score, examples)`
calibrates one on normal examples that the training did not see; `blame` says which cells make an example strange.
"""

from vael.data.batches import DeviceData
from vael.errors import VaelError, unknown_name
from vael.models import VAE
from vael.tasks.detect.aggregate import Embedding, Exemplar, known_rows
from vael.tasks.detect.base import Score
from vael.tasks.detect.bounds import Distortion, NegativeLogLikelihood, Rate
from vael.tasks.detect.calibration import Calibration
from vael.tasks.detect.detector import Contributions, Detection, Detector, blame, score_all
from vael.tasks.detect.regret import Regret
from vael.tasks.detect.typicality import Typicality

__all__ = [
    "SCORES",
    "Calibration",
    "Contributions",
    "Detection",
    "Detector",
    "Score",
    "blame",
    "build_score",
    "fitting_scores",
    "known_rows",
    "score_all",
]

SCORES: dict[str, type[Score]] = {
    kind.name: kind for kind in (Exemplar, NegativeLogLikelihood, Rate, Distortion, Embedding, Typicality, Regret)
}


def fitting_scores(model: VAE) -> list[str]:
    """Name the scores that a model can serve, the default one first.

    It is the first of the table, but `exemplar` for tables only: the kernels of some thousand images are too narrow for
    the codes of others.
    """
    fitting = [name for name, kind in SCORES.items() if kind.find_misfit(model) is None]
    return sorted(fitting, key=lambda name: name == Exemplar.name and model.observation.is_image)


def build_score(name: str | None, model: VAE, reference: DeviceData, *, num_points: int | None = None) -> Score:
    """Build a score by name.

    None takes the first of `fitting_scores`.

    Raises:
        VaelError: An unknown name, or a model that lacks what the score is made of.
    """
    model.eval()
    fitting = fitting_scores(model)
    name = fitting[0] if name is None else name
    if name not in SCORES:
        raise unknown_name("score", name, SCORES)
    if misfit := SCORES[name].find_misfit(model):
        raise VaelError(f"score '{name}' expects {misfit}: use {', '.join(fitting)}")
    return SCORES[name](model, reference, num_points=num_points)
