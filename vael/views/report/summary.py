"""What was trained, on what, where: the recipe and the environment in words."""

from typing import Any

from vael.experiments import Run
from vael.recipe import Part

__all__ = ["bounds_rows", "commands", "environment", "recipe_in_words"]

BOUNDS = {
    "elbo_nats": "ELBO, nats (larger is better)",
    "rate_nats": "rate, nats",
    "distortion_nats": "distortion, nats",
    "nll_nats": "−log p(x), importance-weighted bound, nats",
}


def bounds_rows(evaluations: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return the evaluation table: a name and a cell a run, each bound with its standard error."""
    rows = []
    for key, name in BOUNDS.items():
        rows.append((name, [_with_error(found[key], found[f"{key}_se"]) for found in evaluations]))
    bits = [found["bits_per_dim"] for found in evaluations]
    if any(value is not None for value in bits):
        rows.append(("bits per dimension", ["–" if value is None else f"{value:.4f}" for value in bits]))
    active = [found["active_units"] for found in evaluations]
    units = [
        "–" if count is None else f"{count} of {found['latent_dim']}"
        for count, found in zip(active, evaluations, strict=True)
    ]
    rows.append(("active units", units))
    rows.append(("examples", [f"{found['num_examples']:,}" for found in evaluations]))
    rows.append(("draws of z for each, K", [str(found["num_samples"]) for found in evaluations]))
    return [row for row in rows if any(cell != "–" for cell in row[1])]


def recipe_in_words(run: Run) -> list[tuple[str, str]]:
    """Return the recipe as term and sentence."""
    recipe, info = run.recipe, run.info
    counts = ", ".join(f"{count:,} {split}" for split, count in info["data"]["counts"].items())
    shape = " × ".join(map(str, run.observation.shape))
    model, training = recipe.model, recipe.training
    how = "solved in closed form" if training.method == "pca" else _training(run)
    return [
        ("Data", f"{recipe.data.source}: {counts}; each {shape}, treated as {recipe.data.treatment}"),
        ("Prior p(z)", f"{_part(model.prior)}, {model.latent_dim} dimensions"),
        ("Posterior q(z|x)", f"{_part(model.posterior)}, from the encoder {_part(model.encoder)}"),
        ("Likelihood p(x|z)", f"{_part(model.likelihood)}, from the decoder {_part(model.decoder)}"),
        ("Layers of latents", _part(model.structure)),
        ("Size", f"{info['num_parameters']:,} parameters"),
        ("Objective", _part(recipe.objective)),
        ("Training", how),
    ]


def environment(run: Run) -> list[tuple[str, str]]:
    """Return where and when the run was made."""
    info = run.info
    compute, versions = info["compute"], info["versions"]
    numbers = "bfloat16 autocast" if compute["autocast"] else f"float32 ({compute['products']})"
    seconds = info.get("training_seconds")
    return [
        ("Versions", ", ".join(f"{name} {number}" for name, number in versions.items())),
        ("Device", f"{compute['device']} ({compute['processor']}, {compute['threads']} threads)"),
        ("Numbers", f"{numbers}; {'one compiled graph a step' if compute['compiled'] else 'eager steps'}"),
        ("Time", "not finished" if seconds is None else f"{seconds:,.1f} s of training, started {info['started']}"),
        ("Data fingerprint", info["data"]["fingerprint"]),
        ("Commit", info.get("git_commit") or "not a checkout"),
    ]


def commands(run: Run, num_samples: int) -> list[str]:
    """Return the commands that make the run and this page again."""
    return [
        f"vael train --recipe {run.name}.toml --name {run.name}    # the recipe below, saved as {run.name}.toml",
        f"vael evaluate {run.name} --split {run.default_split} --num-samples {num_samples}",
        f"vael figures {run.name}",
        f"vael report {run.name} --num-samples {num_samples}",
    ]


def _training(run: Run) -> str:
    training = run.recipe.training
    rate = training.learning_rate
    words = [
        f"{_part(training.optimizer)}, learning rate {_part(rate) if isinstance(rate, Part) else f'{rate:g}'}",
        f"batches of {training.batch_size}, {training.epochs} epochs, seed {training.seed}",
    ]
    if training.gradient_clip:
        words.append(f"gradients clipped at {training.gradient_clip:g}")
    if training.ema_decay:
        words.append(f"weights averaged with decay {training.ema_decay:g}")
    if training.patience:
        words.append(f"stopped after {training.patience} epochs without a better validation bound")
    return "; ".join(words)


def _part(part: Part) -> str:
    options = ", ".join(f"{key} = {_value(value)}" for key, value in part.options.items())
    return f"{part.name} ({options})" if options else part.name


def _value(value: Any) -> str:
    if isinstance(value, Part):
        return _part(value)
    if isinstance(value, dict):
        return _part(Part(value.get("name", ""), {key: item for key, item in value.items() if key != "name"}))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_error(value: float | None, error: float | None) -> str:
    return "–" if value is None or error is None else f"{value:,.2f} ± {error:.2f}".replace("-", "−")
