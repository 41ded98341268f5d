"""Which bounds compare: those of one data treatment, one kind of likelihood and one split, each a bound indeed.

The objective may vary, β with it: the unweighted bound on the validation split judges all trials alike.
"""

from vael.errors import VaelError
from vael.posteriors import POSTERIORS
from vael.recipe import Recipe

__all__ = ["check_league", "check_path"]

APART = {
    "data": "bounds of other data, treatments or splits do not compare",
    "model.likelihood.name": "bounds under another kind of likelihood do not compare",
    "model.condition": "a bound given the label does not compare with one without",
    "training.method": "a sweep trains by gradients",
    "training.seed": "the best of several seeds is luck, not a setting",
    "training.snapshots": "a sweep's trials keep none",
    "training.checkpoint_seconds": "it changes no bound",
    "title": "it changes no bound",
    "reference": "it changes no bound",
}
"""What a sweep does not vary, and why."""
TABLES = ("model", "training")


def check_path(path: str) -> None:
    """Refuse to vary what would put trials into different leagues.

    Raises:
        VaelError: The path is one of `APART`, or a whole table.
    """
    if path in TABLES:
        raise VaelError(f'"{path}" is a whole table: name one value in it, such as "training.batch_size"')
    named = f"{path}.name" if path == "model.likelihood" else path
    for apart, why in APART.items():
        if named == apart or named.startswith(f"{apart}."):
            raise VaelError(f'"{path}" cannot vary in one sweep: {why}; fix it with --set {path}=…, a sweep for each')


def check_league(recipe: Recipe) -> None:
    """Refuse a recipe that has no bound to compare, or nothing to search.

    Raises:
        VaelError: The recipe is solved in closed form, or its posterior has no density.
    """
    if recipe.training.method != "gradient":
        raise VaelError(
            f"training.method = '{recipe.training.method}' writes the optimum down in closed form: there is nothing to "
            "search; use training.method=gradient, or train it as it is"
        )
    if not POSTERIORS[recipe.model.posterior.name].has_density:
        fitting = ", ".join(name for name, kind in POSTERIORS.items() if kind.has_density)
        raise VaelError(
            f"model.posterior '{recipe.model.posterior.name}' has no density and so no bound to compare: use {fitting}"
        )
