"""What run.json records: everything that a run depends on besides its recipe."""

import json
import platform
import subprocess
import time
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from vael.data import find_path
from vael.experiments.parts import Parts

__all__ = ["describe_parts"]


def describe_parts(parts: Parts) -> dict[str, Any]:
    """Write down what a run depends on, for run.json."""
    observation, dataset = parts.model.observation, parts.dataset
    return {
        "status": "created",
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": {"vael": _version("vael"), "torch": torch.__version__, "python": platform.python_version()},
        "git_commit": _git_commit(),
        "seed": parts.plan.seed,
        "data": {
            "source": dataset.name,
            "path": find_path(dataset.name),
            "fingerprint": dataset.fingerprint(),
            "counts": {name: len(split) for name, split in dataset.splits.items()},
            "facts": json.loads(json.dumps(dict(dataset.facts))),
        },
        "observation": asdict(observation),
        "latent_dims": list(parts.model.latent_dims),
        "num_parameters": sum(param.numel() for param in parts.model.parameters()),
        "compute": {
            "device": str(parts.device),
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "compiled": parts.plan.compiled,
            "compile_reason": parts.compile_reason,
            **asdict(parts.plan.precision),
        },
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown (run from a checkout)"


def _git_commit() -> str | None:
    """Return the commit of the checkout that vael runs from, or None."""
    try:
        where = Path(__file__).parent
        command = ["git", "rev-parse", "HEAD"]
        found = subprocess.run(command, check=False, cwd=where, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None
