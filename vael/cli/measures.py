"""Measures in words: one table for each, the numbers with their standard errors."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from vael.cli.words import plain_table

__all__ = ["comparison_tables", "measure_table"]

ROWS: dict[str, tuple[str, dict[str, str]]] = {
    "overfit": (
        "train against held out, nats",
        {
            "train_elbo_nats": "ELBO of training examples",
            "test_elbo_nats": "ELBO of held-out examples",
            "elbo_gap_nats": "train better by, ELBO",
            "nll_gap_nats": "train better by, NLL",
        },
    ),
    "information": (
        "what the rate is spent on, nats",
        {
            "rate_nats": "rate",
            "information_nats": "I(x; z), lower bound",
            "information_upper_nats": "I(x; z), upper bound",
            "ceiling_nats": "what the lower bound cannot exceed",
            "marginal_kl_nats": "KL(q(z) ‖ p(z)) of these examples",
        },
    ),
    "gap": (
        "why the bound is loose, nats",
        {
            "elbo_nats": "ELBO of the encoder",
            "diagonal_elbo_nats": "best diagonal normal",
            "full_elbo_nats": "best full normal",
            "log_px_nats": "log p(x)",
            "amortisation_gap_nats": "amortisation gap (the encoder's)",
            "approximation_gap_nats": "approximation gap (its family's)",
        },
    ),
    "annealed": (
        "annealed importance sampling, nats",
        {
            "log_px_nats": "log p(x)",
            "chain_nats_se": "of its error, due to chains",
            "effective_chains": "effective chains",
            "acceptance": "acceptance",
        },
    ),
    "disentanglement": (
        "disentanglement, 0 to 1",
        {
            "mig": "MIG",
            "sap": "SAP",
            "dci_disentanglement": "DCI disentanglement",
            "dci_completeness": "DCI completeness",
            "dci_informativeness": "DCI informativeness",
            "factor_vae": "FactorVAE score",
        },
    ),
}
"""The title of a measure's table and the words for its numbers."""

CLOSENESS = {
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "kernel_distance": "kernel distance",
    "frechet_distance": "Fréchet distance",
}
CLUSTERING = {"accuracy": "accuracy", "nmi": "NMI", "ari": "ARI"}


def measure_table(name: str, numbers: Mapping[str, Any]) -> tuple[str, Table]:
    """Lay a measure out: its title and its table."""
    if name == "layers":
        return _layers_table(numbers)
    if name == "samples":
        return _samples_table(numbers)
    if name == "representations":
        return _representations_table(numbers)
    title, words = ROWS[name]
    table = plain_table(title, "", "± s.e.")
    for key, label in words.items():
        if numbers[key] is not None:
            table.add_row(label, *_with_error(numbers, key, 3 if name == "disentanglement" else 2))
    return f"{numbers['num_examples'] if 'num_examples' in numbers else numbers['num_test']:,} examples", table


def _with_error(numbers: Mapping[str, Any], key: str, digits: int) -> tuple[str, str]:
    """Return a number and its standard error in words; the error is empty where there is none."""
    error = numbers.get(f"{key}_se")
    return f"{numbers[key]:.{digits}f}", "" if error is None else f"{error:.{digits}f}"


def _layers_table(numbers: Mapping[str, Any]) -> tuple[str, Table]:
    table = plain_table("layer, lowest first", "rate, nats", "± s.e.", "active units", "largest dimensions, nats")
    for layer, latent_dim in enumerate(numbers["latent_dims"]):
        per_dim = numbers["rate_per_dim_nats"][layer]
        largest = "–" if per_dim is None else " ".join(f"{rate:.2f}" for rate in sorted(per_dim, reverse=True)[:5])
        rate, error = numbers["rate_nats"][layer], numbers["rate_nats_se"][layer]
        active = f"{numbers['active_units'][layer]} of {latent_dim}"
        table.add_row(str(layer + 1), f"{rate:.2f}", f"{error:.2f}", active, largest)
    return f"{numbers['num_examples']:,} examples", table


def _samples_table(numbers: Mapping[str, Any]) -> tuple[str, Table]:
    has_train = numbers["train"] is not None
    table = plain_table("distances and shares", "samples", "± s.e.", *(("training examples",) * has_train))
    for key, label in CLOSENESS.items():
        digits = 4 if key == "kernel_distance" else 3
        of_train = (f"{numbers['train'][key]:.{digits}f}",) if has_train else ()
        table.add_row(label, *_with_error(numbers["samples"], key, digits), *of_train)
    shown = "means of p(x|z)" if numbers["shown"] == "mean" else "draws from p(x|z)"
    return f"{numbers['num_examples']:,} samples ({shown}) against as many examples; {numbers['features']}", table


def _representations_table(numbers: Mapping[str, Any]) -> tuple[str, Table]:
    table = plain_table("labels in the codes, 0 to 1", "", "± s.e.")
    table.add_row("guessing", f"{numbers['largest_class']:.3f}", "")
    table.add_row("10 nearest neighbours", *_with_error(numbers, "knn_accuracy", 3))
    table.add_row("linear probe", *_with_error(numbers, "linear_accuracy", 3))
    for key, label in (("k_means", "k-means"), ("mixture", "mixture of normals")):
        for measure, word in CLUSTERING.items():
            table.add_row(f"{label}, {word}", *_with_error(numbers[key], measure, 3))
    return f"{numbers['num_train']:,} training examples, judged on {numbers['num_test']:,} others", table


def comparison_tables(numbers: Mapping[str, Any]) -> tuple[Table, Table]:
    """Lay a comparison out: the runs, the best first, and their paired differences."""
    standings = plain_table(
        "run", "ELBO", "± s.e.", "rate", "distortion", f"NLL, K = {numbers['num_samples']}", "± s.e."
    )
    for row in numbers["standings"]:
        means = [f"{row[key]:.2f}" for key in ("elbo_nats", "elbo_nats_se", "rate_nats", "distortion_nats")]
        standings.add_row(row["name"], *means, *_with_error(row, "nll_nats", 2))
    pairs = plain_table("paired on the same examples", "better by, nats", "± s.e.", "p", "")
    for pair in numbers["pairs"]:
        verdict = "larger than chance" if pair["is_significant"] else "within chance"
        p_value = "< 0.0001" if pair["p_adjusted"] < 1e-4 else f"{pair['p_adjusted']:.4f}"
        difference = _with_error(pair, "difference_nats", 3)
        pairs.add_row(f"{pair['better']} over {pair['worse']}", *difference, p_value, verdict)
    return standings, pairs
