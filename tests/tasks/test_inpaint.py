"""Filling: what is hidden, chains against Gaussian conditionals in closed form, what is refused, and the command."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import vael
from vael import tasks
from vael.build import build_model
from vael.cli import main
from vael.errors import VaelError
from vael.experiments import Run
from vael.models import VAE
from vael.random import seeded
from vael.recipe import ModelRecipe, Part, Recipe, parse_settings
from vael.types import Batch, Observation

NUM_COLUMNS, LATENT_DIM, SIGMA = 5, 2, 0.6
OBSERVED = torch.tensor([[True, False, True, False, True], [False, False, True, True, False]])


@dataclass(frozen=True)
class Linear:
    """A linear VAE with known weights: x = W z + b + σ ε."""

    model: VAE
    weight: Tensor
    bias: Tensor

    def set_posterior(self, *, shift: float, widen: float) -> None:
        """Let q(z | x) be the true posterior, its mean moved by `shift` and its deviations multiplied by `widen`."""
        precision = torch.eye(LATENT_DIM) + self.weight.T @ self.weight / SIGMA**2
        gain = torch.linalg.solve(precision, self.weight.T) / SIGMA**2
        deviations = widen * precision.diagonal().rsqrt()  # what a diagonal normal has at best
        head = self.model.get_submodule("posterior.head")
        assert isinstance(head, torch.nn.Linear)
        with torch.no_grad():
            head.weight.copy_(torch.cat([gain, torch.zeros_like(gain)]))
            head.bias.copy_(torch.cat([shift - gain @ self.bias, 2 * deviations.log()]))

    def conditional(self, x: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and covariance of N(x_m | x_o), by the Gaussian formula, of one row."""
        covariance = self.weight @ self.weight.T + SIGMA**2 * torch.eye(NUM_COLUMNS)
        o, m = observed.nonzero()[:, 0], (~observed).nonzero()[:, 0]
        gain = torch.linalg.solve(covariance[o][:, o], covariance[o][:, m]).T
        return self.bias[m] + gain @ (x[o] - self.bias[o]), covariance[m][:, m] - gain @ covariance[o][:, m]


@pytest.fixture
def linear() -> Linear:
    parts = {name: Part("mlp", {"hidden_features": []}) for name in ("encoder", "decoder")}
    likelihood = Part("gaussian", {"variance": "fixed", "sigma": SIGMA, "link": "identity"})
    recipe = ModelRecipe(
        latent_dim=LATENT_DIM, encoder=parts["encoder"], decoder=parts["decoder"], likelihood=likelihood
    )
    with seeded(3):
        model = build_model(recipe, Observation((NUM_COLUMNS,), "real"))
        weight, bias = torch.randn(NUM_COLUMNS, LATENT_DIM), torch.randn(NUM_COLUMNS)
    out = model.get_submodule("decoder.out")
    assert isinstance(out, torch.nn.Linear)
    with torch.no_grad():
        out.weight.copy_(weight)
        out.bias.copy_(bias)
    return Linear(model, weight, bias)


def rows(linear: Linear) -> Tensor:
    with seeded(4):
        return torch.randn(2, LATENT_DIM) @ linear.weight.T + linear.bias + SIGMA * torch.randn(2, NUM_COLUMNS)


@pytest.mark.parametrize(("shift", "widen"), [(0.0, 1.0), (0.0, 0.6), (0.4, 1.0), (-0.4, 1.6)])
def test_chains_reach_the_gaussian_conditional_whatever_q_is(linear: Linear, shift: float, widen: float) -> None:
    """Mean and covariance of 4,000 chains; the posterior is exact only up to its correlations, or narrow, or off."""
    linear.set_posterior(shift=shift, widen=widen)
    x, count = rows(linear), 4000
    found = tasks.inpaint(linear.model, Batch(x, observed=OBSERVED), num_fills=count, num_steps=300, draw=True)
    for row in range(2):
        mean, covariance = linear.conditional(x[row], OBSERVED[row])
        drawn = torch.from_numpy(found.fills[:, row])[:, ~OBSERVED[row]]
        error = (covariance.diagonal() / count).sqrt()
        assert ((drawn.mean(0) - mean).abs() < 4.5 * error).all()
        spread = torch.outer(covariance.diagonal(), covariance.diagonal()).sqrt() * (2 / count) ** 0.5
        assert ((torch.cov(drawn.T) - covariance).abs() < 4.5 * spread).all()
        expected = torch.from_numpy(found.mean[row])[~OBSERVED[row]]
        assert ((expected - mean).abs() < 4.5 * error).all()


def test_pseudo_gibbs_would_be_off(linear: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same chains without weights miss by more than the errors above: the test before it can fail."""
    linear.set_posterior(shift=0.4, widen=1.0)
    monkeypatch.setattr(import_module("vael.tasks.inpaint"), "WARM_SHARE", 299 / 300)
    x, count = rows(linear), 4000
    found = tasks.inpaint(linear.model, Batch(x, observed=OBSERVED), num_fills=count, num_steps=300, draw=True)
    mean, covariance = linear.conditional(x[0], OBSERVED[0])
    drawn = torch.from_numpy(found.fills[:, 0])[:, ~OBSERVED[0]]
    assert ((drawn.mean(0) - mean).abs() > 7 * (covariance.diagonal() / count).sqrt()).any()


def test_an_exact_posterior_is_always_accepted(linear: Linear) -> None:
    """With orthogonal columns the true posterior is a diagonal normal, and the weights are all p(x)."""
    linear.weight.copy_(torch.linalg.qr(linear.weight)[0] * torch.tensor([1.5, 0.7]))
    out = linear.model.get_submodule("decoder.out")
    assert isinstance(out, torch.nn.Linear)
    with torch.no_grad():
        out.weight.copy_(linear.weight)
    linear.set_posterior(shift=0.0, widen=1.0)
    found = tasks.inpaint(linear.model, Batch(rows(linear), observed=OBSERVED), num_fills=50)
    assert found.acceptance.min() > 0.999
    linear.set_posterior(shift=0.4, widen=1.0)
    found = tasks.inpaint(linear.model, Batch(rows(linear), observed=OBSERVED), num_fills=50)
    assert found.acceptance.max() < 0.95


def test_observed_cells_stay_and_hidden_ones_are_never_read(linear: Linear) -> None:
    linear.set_posterior(shift=0.0, widen=1.0)
    x = rows(linear)
    holed = torch.where(OBSERVED, x, torch.nan)
    one = tasks.inpaint(linear.model, Batch(x, observed=OBSERVED), num_steps=5, seed=2)
    two = tasks.inpaint(linear.model, Batch(holed, observed=OBSERVED), num_steps=5, seed=2)
    np.testing.assert_array_equal(one.fills, two.fills)
    np.testing.assert_array_equal(one.mean, two.mean)
    np.testing.assert_array_equal(two.x, holed.numpy())
    assert np.isfinite(two.fills).all()
    there = OBSERVED.numpy()
    np.testing.assert_array_equal(one.fills[:, there], np.broadcast_to(x.numpy()[there], (4, there.sum())))
    assert (one.fills[0][~there] != one.fills[1][~there]).all()
    other = tasks.inpaint(linear.model, Batch(x, observed=OBSERVED), num_steps=5, seed=3)
    assert (other.fills[:, ~there] != one.fills[:, ~there]).all()


def changed(**settings: object) -> Recipe:
    return Recipe().override({f"model.{name}": value for name, value in settings.items()})


TWO = {"name": "uniform-categorical", "num_categories": 2}
RESIDUAL = {
    "encoder": {"name": "residual", "channels": [4, 5]},
    "decoder": {"name": "residual", "channels": [5, 4]},
    "structure": {"name": "ladder", "latents_per_scale": [1, 1]},
}


@pytest.mark.parametrize(
    "settings",
    [
        {"structure": "bottom-up"},
        {"structure": "top-down"},
        RESIDUAL,
        {"condition": "label"},
        {"posterior": {"name": "categorical", "num_categories": 2}, "prior": TWO},
        {"posterior": "planar-flow"},
        {"prior": "vamp"},
    ],
    ids=str,
)
def test_every_structure_and_support_is_walked(settings: dict[str, object]) -> None:
    """The weights of a step are those of the very latents that the chain holds and proposes."""
    classes = ("a", "b", "c")
    with seeded(0):
        recipe = changed(likelihood="bernoulli", **{"latent_dim": 4, "encoder": "mlp", **settings})
        model = build_model(recipe.model, Observation((1, 4, 4), "binary", 2, classes=classes)).eval()
        x = (torch.rand(3, 1, 4, 4) < 0.5).float()
    context = torch.eye(3) if "condition" in settings else None
    holed = tasks.hide(Batch(x, context), "left")
    found = tasks.inpaint(model, holed, num_fills=2, num_steps=8, draw=True)
    assert found.fills.shape == (2, 3, 1, 4, 4)
    assert set(np.unique(found.fills)) <= {0, 1}
    assert (found.acceptance > 0).all()
    np.testing.assert_array_equal(found.fills[..., 2:], np.broadcast_to(x[..., 2:].numpy(), (2, 3, 1, 4, 2)))


def test_models_that_cannot_do_it_say_so() -> None:
    image, colours = Observation((1, 4, 4), "binary", 2), Observation((3, 4, 4), "levels", 256)
    binary, whole = torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4)
    quantised = {"name": "vector-quantised", "num_vectors": 2, "codebook_size": 2}
    for posterior, prior in (("point", "standard-normal"), (quantised, TWO)):
        recipe = changed(posterior=posterior, prior=prior, latent_dim=4, likelihood="bernoulli")
        with pytest.raises(VaelError, match="without one"):
            tasks.inpaint(build_model(recipe.model, image), tasks.hide(Batch(binary), "left"))
    recipe = changed(likelihood="autoregressive", latent_dim=2)
    with pytest.raises(VaelError, match="autoregressive"):
        tasks.inpaint(build_model(recipe.model, image), tasks.hide(Batch(binary), "left"))
    mixture = build_model(changed(likelihood="logistic-mixture", latent_dim=2).model, colours)
    red = np.zeros((3, 1, 1), bool)
    red[0] = True
    with pytest.raises(VaelError, match="hide all"):
        tasks.inpaint(mixture, tasks.hide(Batch(whole), red))
    assert tasks.inpaint(mixture, tasks.hide(Batch(whole), "left"), num_steps=2).fills.shape == (4, 1, 3, 4, 4)


def test_what_is_wrong_with_a_batch_is_said(linear: Linear) -> None:
    x = rows(linear)
    with pytest.raises(VaelError, match=r"got none: see tasks\.hide"):
        tasks.inpaint(linear.model, Batch(x))
    with pytest.raises(VaelError, match=r"shape \(2, 5\), got \(2, 1\)"):
        tasks.inpaint(linear.model, Batch(x, observed=OBSERVED[:, :1]))
    with pytest.raises(VaelError, match="finite"):
        tasks.inpaint(linear.model, Batch(x / 0, observed=OBSERVED))
    with pytest.raises(VaelError, match="≥ 1, got 4 and 0"):
        tasks.inpaint(linear.model, Batch(x, observed=OBSERVED), num_steps=0)


def test_what_is_hidden() -> None:
    images, table = Batch(torch.zeros(2, 3, 8, 6)), Batch(torch.zeros(500, 40))
    hidden = {name: ~shown(tasks.hide(images, name)) for name in ("centre", "left", "right", "top", "bottom")}
    assert hidden["centre"][0, 0].nonzero().tolist() == [[y, x] for y in range(2, 6) for x in range(1, 5)]
    assert (hidden["left"] ^ hidden["right"]).all()
    assert (hidden["top"] ^ hidden["bottom"]).all()
    assert hidden["left"][..., :3].all()
    assert hidden["top"][..., :4, :].all()
    some = ~shown(tasks.hide(table, 0.2, seed=1))
    assert float(some.float().mean()) == pytest.approx(0.2, abs=4 * (0.16 / 20_000) ** 0.5)
    assert torch.equal(some, ~shown(tasks.hide(table, 0.2, seed=1)))
    assert not torch.equal(some, ~shown(tasks.hide(table, 0.2, seed=2)))
    pixels = ~shown(tasks.hide(images, 0.5))
    assert (pixels == pixels[:, :1]).all()
    twice = tasks.hide(tasks.hide(images, "left"), "right")
    assert not shown(twice).any()
    refused = {
        "did you mean 'centre'": (images, "center"),
        "no region 'left'": (table, "left"),
        "share from 0 to 1, got 2": (table, 2.0),
        r"shape \(2, 3, 8, 6\), got \(5,\)": (images, np.zeros(5, bool)),
        "expects truths": (images, np.zeros((8, 6))),
    }
    for match, (batch, what) in refused.items():
        with pytest.raises(VaelError, match=match):
            tasks.hide(batch, what)


def shown(batch: Batch) -> Tensor:
    assert batch.observed is not None
    return batch.observed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    words = [
        "data.treatment=rounded",
        "model.likelihood=bernoulli",
        "training.epochs=60",
        "training.learning_rate=2e-3",
    ]
    settings = parse_settings([*words, "training.snapshots=0"])
    return vael.train("digits", settings=settings, runs=tmp_path_factory.mktemp("runs"), name="fills")


def test_a_trained_model_fills_better_than_the_mean_image(run: Run) -> None:
    found = run.inpaint(list(range(20)), hide="left")
    hidden = ~found.observed
    typical = np.broadcast_to(run.rows("train").mean(0), found.x.shape)
    error, plain = (np.square(part - found.x)[hidden].mean() for part in (found.mean, typical))
    assert error < 0.8 * plain
    again = run.inpaint(run.batch(list(range(20))), hide="left")
    np.testing.assert_array_equal(again.fills, found.fills)
    foreign = tasks.hide(run.batch([0]), "top")
    np.testing.assert_array_equal(run.inpaint(foreign, num_steps=2).observed, shown(foreign).numpy())
    assert run.inpaint([0], num_steps=2).observed.mean() == pytest.approx(0.75)


def test_the_command_draws_and_tells(run: Run, tmp_path: Path, command: Callable[..., str]) -> None:
    call = partial(command, "inpaint", str(run.path), "--num-steps", "10")

    said = call("--examples", "1", "4", "--hide", "bottom", "--num-fills", "3")
    assert "50% hidden" in said
    with Image.open(run.path / "figures" / "inpainted.png") as image:
        width, height = image.size
    assert height > 2.3 * width  # five rows of two
    told = json.loads(call("--hide", "0.25", "--output", "out.npz", "--json"))
    assert (told["count"], told["num_fills"]) == (10, 4)
    arrays = np.load("out.npz")
    assert set(arrays) == {"x", "observed", *(f"fill_{number}" for number in range(1, 5))}
    assert told["hidden"] == pytest.approx(1 - arrays["observed"].mean())
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save("digit.png")
    Image.fromarray(np.eye(16, dtype=np.uint8).repeat(2, 1)[:, :16] * 255).resize((8, 8), 0).save("mask.png")
    call("digit.png", "--mask", "mask.png", "-o", "whole.npz")
    hidden = np.load("whole.npz")["observed"][0, 0] == 0
    with Image.open("mask.png") as mask:
        np.testing.assert_array_equal(hidden, np.asarray(mask) > 127)
    assert "leave one out" in call("--hide", "left", "--mask", "mask.png", code=2)
    assert "leave one out" in call("digit.png", "--examples", "1", code=2)
    assert "did you mean 'left'" in call("--hide", "letf", code=2)


def test_tables_come_back_in_the_units_of_their_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with seeded(0):
        z = torch.randn(300, 1)
        table = (z @ torch.tensor([[1.0, -2.0, 0.5]]) + 0.1 * torch.randn(300, 3)) * 10 + 100
    lines = ["a,b,c", *(",".join(f"{value:.4f}" for value in row) for row in table.tolist())]
    Path("rows.csv").write_text("\n".join(lines))
    settings = parse_settings(["training.epochs=30", "training.snapshots=0", "model.latent_dim=1"])
    made = vael.train("rows.csv", settings=settings, runs=tmp_path / "runs", name="rows")
    with pytest.raises(SystemExit):
        main(["inpaint", str(made.path), "--examples", "0", "1", "--hide", "0.3", "--num-steps", "10"])
    written = (made.path / "inpainted.csv").read_text().splitlines()
    assert written[0].startswith("a,b,c,fill_1_0")
    assert written[0].endswith("observed_0,observed_1,observed_2")
    values = np.array([line.split(",") for line in written[1:]], float)
    found = made.inpaint([0, 1], hide=0.3, num_steps=10)
    np.testing.assert_allclose(values[:, :3], made.in_file_units(found.mean), rtol=1e-5)
    assert (np.abs(values[:, :3] - 100) < 90).all()
    with pytest.raises(VaelError, match="no region 'left'"):
        made.inpaint([0], hide="left")


def test_the_empty_cells_of_a_file_are_filled_in_its_units(tmp_path: Path) -> None:
    """Column b is ten times column a: what is missing of one follows from the other."""
    hidden = np.random.default_rng(0).normal(size=400)
    lines = ["a,b", *(f"{value:.6f},{10 * value + 5:.6f}" for value in hidden)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    words = ["training.epochs=150", "training.patience=0", "training.learning_rate=5e-3", "training.snapshots=0"]
    run = vael.train(str(tmp_path / "t.csv"), settings=parse_settings(words), runs=tmp_path, name="pairs")
    (tmp_path / "holes.csv").write_text("b,a\n,1.5\n-5,?\n5,0\n")
    with pytest.raises(SystemExit) as stopped:
        main(["inpaint", str(run.path), str(tmp_path / "holes.csv"), "-o", str(tmp_path / "whole.csv")])
    assert not stopped.value.code
    rows = np.genfromtxt(tmp_path / "whole.csv", delimiter=",", names=True)
    np.testing.assert_allclose(rows["a"], [1.5, -1.0, 0.0], atol=0.25)
    np.testing.assert_allclose(rows["b"], [20.0, -5.0, 5.0], atol=2.5)
    with pytest.raises(VaelError, match="expects a finite number, got ''"):
        run.examples_from(b"a,b\n1,\n")
