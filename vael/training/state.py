"""The point where a training stands: everything that the next step depends on, and nothing else."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from vael.errors import VaelError
from vael.models import VAE
from vael.random import capture_random_state, restore_random_state

__all__ = ["TERMS", "TrainingState"]

TERMS = ("loss", "rate_nats", "distortion_nats", "beta")
"""What a step reports, in order."""


@dataclass
class TrainingState:
    """Hold weights, optimizer slots, averages and counters; `fit` moves it forward in place.

    Arguments:
        model: The model in training.
        slots: The optimizer's tensors by slot name, each list in the order of `named_parameters`.
        average: The exponential moving average of the parameters, or empty.
        best: The weights at the best validation ELBO so far, by name, or empty.
        terms: The terms of the steps since the last record, `(S, T)`; so a stop between two records loses nothing.
        step: Steps done.
        epoch: Epochs done, judging included: a stop between an epoch's last step and its judgement is made good.
        best_elbo: The best validation ELBO so far, nats.
        epochs_since_best: Epochs since then.
        random: The generators' states, as they were at the last step; None before the first.
        critic: The network that an adversarial objective trains against the model; None without one.
    """

    model: VAE
    slots: dict[str, list[Tensor]]
    average: list[Tensor] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    terms: Tensor = field(default_factory=lambda: torch.zeros(0, len(TERMS)))
    step: int = 0
    epoch: int = 0
    best_elbo: float = -torch.inf
    epochs_since_best: int = 0
    random: dict[str, Tensor] = field(default_factory=capture_random_state)
    critic: nn.Module | None = None

    @classmethod
    def start(
        cls, model: VAE, slot_names: tuple[str, ...], *, averaged: bool, critic: nn.Module | None = None
    ) -> "TrainingState":
        """Begin at step 0 with empty slots."""
        state = cls(model, {}, critic=critic)
        params = state.named_parameters().values()
        state.slots = {name: [torch.zeros_like(param) for param in params] for name in slot_names}
        state.average = [param.detach().clone() for param in model.parameters()] if averaged else []
        return state

    @torch.no_grad()
    def average_from_here(self) -> None:
        """Let the average, where there is one, start from the weights as they are."""
        for mean, param in zip(self.average, self.model.parameters(), strict=False):  # none without an average
            mean.copy_(param)

    def named_parameters(self) -> dict[str, nn.Parameter]:
        """Return what a step moves: the model's parameters, then the critic's under `critic.`."""
        found = dict(self.model.named_parameters())
        if self.critic is not None:
            found |= {f"critic.{name}": param for name, param in self.critic.named_parameters()}
        return found

    def weights(self) -> dict[str, Tensor]:
        """Return the weights to judge and to use now: the averaged ones where there is an average."""
        weights = {name: tensor.detach() for name, tensor in self.model.state_dict().items()}
        if self.average:
            names = [name for name, _ in self.model.named_parameters()]
            weights |= dict(zip(names, self.average, strict=True))
        return weights

    @contextmanager
    def in_use(self) -> Iterator[VAE]:
        """Give the model as it would be used now (`weights()`, evaluation mode) and put the training's back after."""
        present = {name: tensor.clone() for name, tensor in self.model.state_dict().items()} if self.average else {}
        if present:
            self.model.load_state_dict(self.weights())
        self.model.eval()
        try:
            yield self.model
        finally:
            self.model.train()
            if present:
                self.model.load_state_dict(present)

    def keep_best(self) -> None:
        """Copy the present weights as the best."""
        self.best = {name: tensor.clone() for name, tensor in self.weights().items()}

    def capture_random(self) -> None:
        """Copy the generators' states, so that another process can go on from them."""
        self.random = capture_random_state()

    def restore_random(self) -> None:
        """Put the generators back to where the last step left them."""
        restore_random_state(self.random)

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by a flat name, not copied."""
        names = list(self.named_parameters())
        found = {f"model.{name}": tensor.detach() for name, tensor in self.model.state_dict().items()}
        if self.critic is not None:
            found |= {f"critic.{name}": tensor.detach() for name, tensor in self.critic.state_dict().items()}
        for slot, tensors in self.slots.items():
            found |= {f"slots.{slot}.{name}": tensor for name, tensor in zip(names, tensors, strict=True)}
        found |= {f"average.{name}": tensor for name, tensor in zip(names, self.average, strict=False)}
        found |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        found |= {f"random.{name}": tensor for name, tensor in self.random.items()}
        return found | {"terms": self.terms}

    def numbers(self) -> dict[str, Any]:
        """Return the counters, as JSON holds them."""
        best_elbo = self.best_elbo if self.best else None
        counters = {"step": self.step, "epoch": self.epoch}
        return counters | {"best_elbo_nats": best_elbo, "epochs_since_best": self.epochs_since_best}

    def load(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Take over what `tensors` and `numbers` of an earlier state returned.

        Raises:
            VaelError: The tensors are those of another model or optimizer.
        """
        mine = self.tensors()
        groups = ("model.", "critic.", "slots.", "average.")
        wanted = [name for name in mine if name.startswith(groups)]
        for name in wanted:
            if name not in tensors or tensors[name].shape != mine[name].shape:
                raise VaelError(
                    f"the checkpoint does not fit at '{name}': it was written by another recipe; start a new run"
                )
        for name in wanted:
            mine[name].copy_(tensors[name])
        self.best = {name[5:]: tensor for name, tensor in tensors.items() if name.startswith("best.")}
        self.random = {name[7:]: tensor for name, tensor in tensors.items() if name.startswith("random.")}
        self.terms = tensors["terms"]
        self.step = int(numbers["step"])
        self.epoch = int(numbers["epoch"])
        self.best_elbo = float(numbers["best_elbo_nats"]) if self.best else -torch.inf
        self.epochs_since_best = int(numbers["epochs_since_best"])
