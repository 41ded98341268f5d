"""The loop: seeds, stopping and going on, early stopping, what is not finite."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
import torch

from vael.build import build_model
from vael.data import load
from vael.data.batches import DeviceData
from vael.data.treatments import find_treatment
from vael.objectives import Objective
from vael.objectives.elbo import ELBO
from vael.precision import choose_precision
from vael.random import seeded
from vael.recipe import ModelRecipe, Part
from vael.runs import Record
from vael.schedules import Constant, Cosine
from vael.training import Monitor, NonFinite, Pause, Plan, TrainingState, fit, load_checkpoint, save_checkpoint
from vael.training.loop import MAX_STEPS_PER_RECORD
from vael.training.optimizers import SGD, Adam
from vael.types import Observation

SMALL = ModelRecipe(
    latent_dim=3,
    encoder=Part("mlp", {"hidden_features": [16], "batch_norm": True}),
    decoder=Part("mlp", {"hidden_features": [16]}),
)


def digits(count: int, device: torch.device) -> DeviceData:
    raw = torch.from_numpy(load("digits").splits["train"].x[:count])
    return DeviceData(raw.to(device), find_treatment("dynamic", 17))


def plan_of(device: torch.device, **changes: object) -> Plan:
    plan = Plan(3, 32, 0, Adam(), Constant(1e-2), choose_precision("float32", device))
    return replace(plan, **changes)


def start(plan: Plan, device: torch.device) -> TrainingState:
    with seeded(plan.seed):
        model = build_model(SMALL, Observation((1, 8, 8), "binary", 2)).to(device)
        return TrainingState.start(model, plan.optimizer.slots, averaged=plan.ema_decay > 0)


def run(plan: Plan, device: torch.device, **options: object) -> tuple[TrainingState, list[Record]]:
    state = start(plan, device)
    monitor = Monitor("valid", digits(60, device), selects=True)
    events = fit(state, ELBO(), digits(150, device), plan, monitor=monitor, **options)  # type: ignore[arg-type]
    return state, only_records(events)


def only_records(events: Iterable[Record | Pause]) -> list[Record]:
    return [event for event in events if isinstance(event, Record)]


def assert_same(first: TrainingState, second: TrainingState) -> None:
    mine, theirs = first.tensors(), second.tensors()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())
    assert first.numbers() == second.numbers()


def test_training_lowers_the_loss(device: torch.device) -> None:
    _, records = run(plan_of(device, epochs=20), device)
    losses = [record.values["loss"] for record in records if record.split == "train"]
    assert losses[-1] < 0.8 * losses[0]


def test_the_same_seed_gives_the_same_records_and_weights(device: torch.device) -> None:
    first, records = run(plan_of(device, ema_decay=0.9), device)
    second, again = run(plan_of(device, ema_decay=0.9), device)
    assert [record.metrics() for record in records] == [record.metrics() for record in again]
    assert_same(first, second)


def test_another_seed_gives_other_records(device: torch.device) -> None:
    _, records = run(plan_of(device), device)
    _, others = run(plan_of(device, seed=1), device)
    assert records[0].values != others[0].values


def test_the_callers_randomness_is_left_alone(device: torch.device) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    run(plan_of(device), device)
    assert torch.equal(torch.rand(1), expected)


def stop_after(steps: int) -> Callable[[], bool]:
    left = [steps]

    def should_stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return should_stop


@pytest.mark.parametrize("steps", [1, 4, 5, 7, 14])
def test_a_stopped_and_resumed_training_is_the_uninterrupted_one(steps: int, device: torch.device, tmp_path) -> None:
    """Stops within an epoch, at its end and within the last one; state goes through a file on the way."""
    plan = plan_of(device, ema_decay=0.9, patience=10, learning_rate=Cosine(1e-2, 0.0, steps=15))
    whole, expected = run(plan, device)
    stopped, records = run(plan, device, should_stop=stop_after(steps))
    save_checkpoint(tmp_path / "checkpoints", stopped, {"note": 1})
    resumed = start(replace(plan, seed=99), device)
    assert load_checkpoint(tmp_path / "checkpoints", resumed) == stopped.numbers() | {"note": 1}
    monitor = Monitor("valid", digits(60, device), selects=True)
    records += only_records(fit(resumed, ELBO(), digits(150, device), plan, monitor=monitor))
    assert_same(resumed, whole)
    assert [record.metrics() for record in records] == [record.metrics() for record in expected]


@pytest.mark.parametrize("compiled", [False, True])
def test_pauses_come_where_asked_and_change_nothing(compiled: bool, device: torch.device) -> None:
    """Pauses before the first step, within an epoch and on a record's last step; the state is used and drawn from."""
    plan = plan_of(device, ema_decay=0.9, compiled=compiled)
    whole, expected = run(plan, device)
    state, paused = start(plan, device), []
    monitor = Monitor("valid", digits(60, device), selects=True)
    records: list[Record] = []
    for event in fit(state, ELBO(), digits(150, device), plan, monitor=monitor, pauses=[0, 1, 2, 5, 7, 15]):
        if isinstance(event, Record):
            records.append(event)
            continue
        paused.append((event.step, state.step))
        with state.in_use() as model:
            assert not model.training
            assert all(torch.equal(tensor, state.weights()[name]) for name, tensor in model.state_dict().items())
            model.draw(int(torch.randint(1, 5, ())))  # draws from the global generator
    assert paused == [(step, step) for step in (0, 1, 2, 5, 7, 15)]
    assert_same(state, whole)
    assert [record.metrics() for record in records] == [record.metrics() for record in expected]
    assert sum(record.num_examples for record in records) == 3 * 150


def test_every_example_is_visited_once_an_epoch(device: torch.device) -> None:
    seen: list[torch.Tensor] = []

    class Watch(Objective):
        def __call__(self, model, batch, step, critic=None):
            seen.append(batch.x)
            return ELBO()(model, batch, step)

    plan = plan_of(device, epochs=1)
    data = DeviceData(torch.arange(150, device=device).float().view(-1, 1).expand(-1, 2), find_treatment("real", 0))
    with seeded(0):
        recipe = replace(SMALL, likelihood=Part("gaussian"))
        model = build_model(recipe, Observation((2,), "real")).to(device)
    list(fit(TrainingState.start(model, Adam.slots, averaged=False), Watch(), data, plan))
    assert torch.equal(torch.cat(seen)[:, 0].sort().values.cpu(), torch.arange(150).float())


def test_early_stopping_keeps_the_best_weights(device: torch.device) -> None:
    """A learning rate that is far too large makes things worse, so the best epoch is an early one."""
    state, records = run(plan_of(device, epochs=60, patience=3, learning_rate=Constant(0.3)), device)
    bounds = [record.values["elbo_nats"] for record in records if record.split == "valid"]
    assert len(bounds) < 60
    assert len(bounds) - 1 - bounds.index(max(bounds)) == 3
    assert state.best_elbo == max(bounds)
    assert state.best.keys() == state.model.state_dict().keys()


def test_the_averaged_weights_follow_their_formula(device: torch.device) -> None:
    plan = plan_of(device, epochs=1, ema_decay=0.5)
    state = start(plan, device)
    name, param = next(iter(state.model.named_parameters()))
    expected = param.detach().clone()
    for steps in range(5):
        part = replace(plan, epochs=1)
        list(fit(state, ELBO(), digits(150, device), part, should_stop=stop_after(1)))
        expected = 0.5 * expected + 0.5 * param.detach()
        assert state.step == steps + 1
        torch.testing.assert_close(state.weights()[name], expected)


def test_a_long_epoch_is_cut_into_equal_records(device: torch.device) -> None:
    plan = plan_of(device, epochs=1, batch_size=1)
    data = digits(MAX_STEPS_PER_RECORD + 2, device)
    state = start(replace(plan), device)
    recipe = replace(SMALL, encoder=Part("mlp", {"hidden_features": [4]}))
    state.model = build_model(recipe, Observation((1, 8, 8), "binary", 2)).to(device)
    state = TrainingState.start(state.model, Adam.slots, averaged=False)
    records = only_records(fit(state, ELBO(), data, plan))
    assert [record.num_examples for record in records] == [251, 251]
    assert {record.epoch for record in records} == {1}


@pytest.mark.parametrize(("rate", "fault"), [(1e30, "gradient"), (1e4, None)])
def test_what_is_not_finite_stops_the_training_with_the_step_and_the_term(
    rate: float, fault: str | None, device: torch.device
) -> None:
    plan = plan_of(device, optimizer=SGD(), learning_rate=Constant(rate), epochs=40)
    with pytest.raises(
        NonFinite, match=r"is not finite at step \d+: .* try a smaller training.learning_rate"
    ) as caught:
        run(plan, device)
    assert fault is None or str(caught.value).startswith(fault)


def test_clipping_bounds_the_step(device: torch.device) -> None:
    plan = plan_of(device, optimizer=SGD(), learning_rate=Constant(1.0), gradient_clip=1e-3)
    state = start(plan, device)
    before = [param.detach().clone() for param in state.model.parameters()]
    list(fit(state, ELBO(), digits(150, device), plan, should_stop=stop_after(1)))
    moved = torch.cat([(a - b.detach()).flatten() for a, b in zip(before, state.model.parameters(), strict=True)])
    assert float(moved.norm()) == pytest.approx(1e-3, rel=1e-2)
