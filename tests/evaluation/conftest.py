"""What the measures are held against: a linear VAE, whose evidence and best posteriors are known exactly."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from vael.build import build_model
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.models import OneLayerVAE
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.training import TrainingState
from vael.training.closed_form import solve_pca
from vael.types import Observation

NUM_COLUMNS, LATENT_DIM = 12, 3


@dataclass(frozen=True)
class Linear:
    """A solved linear VAE, its data, and log p(x) of each row by torch's multivariate normal."""

    model: OneLayerVAE
    data: DeviceData
    log_px: np.ndarray

    def perturb(self, shift: float) -> None:
        """Let the encoder say other means and wider posteriors than the best ones."""
        with torch.no_grad():
            head = self.model.posterior.get_submodule("head")
            assert isinstance(head, torch.nn.Linear)
            head.bias[:LATENT_DIM] += shift
            head.bias[LATENT_DIM:] += shift


def evidence_of(model: OneLayerVAE, rows: torch.Tensor) -> np.ndarray:
    """log N(x; b, WWᵀ + σ²I) in float64."""
    weights = {name: tensor.double() for name, tensor in model.state_dict().items()}
    weight, bias = weights["decoder.out.weight"], weights["decoder.out.bias"]
    covariance = weight @ weight.T + torch.exp(2 * weights["likelihood.log_sigma"]) * torch.eye(len(bias)).double()
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(rows.double()).numpy()


@pytest.fixture
def linear() -> Linear:
    with seeded(0):
        mixing = torch.randn(LATENT_DIM, NUM_COLUMNS)
        rows = torch.randn(400, LATENT_DIM) @ mixing + 0.5 * torch.randn(400, NUM_COLUMNS)
        parts = {name: Part("mlp", {"hidden_features": []}) for name in ("encoder", "decoder")}
        likelihood = Part("gaussian", {"variance": "shared", "link": "identity"})
        model = build_model(
            ModelRecipe(
                latent_dim=LATENT_DIM, encoder=parts["encoder"], decoder=parts["decoder"], likelihood=likelihood
            ),
            Observation((NUM_COLUMNS,), "real"),
        )
    data = DeviceData(rows, find_treatment("real", 0))
    solve_pca(TrainingState.start(model, (), averaged=False), data)
    assert isinstance(model, OneLayerVAE)
    return Linear(model, data, evidence_of(model, rows))
