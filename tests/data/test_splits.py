import numpy as np
import pytest

from vael.data.base import Dataset, Split, SplitPlan
from vael.data.splits import assign, divide
from vael.data.standardise import destandardise, standardise
from vael.errors import VaelError


def numbered(**counts: int) -> Dataset:
    """Build a data set whose values are their own row numbers, unique over all splits."""
    start, splits = 0, {}
    for name, count in counts.items():
        rows = np.arange(start, start + count)
        splits[name] = Split(rows.astype(np.float32)[:, None], rows.astype(np.int64))
        start += count
    return Dataset("numbered", splits, 0, columns=("row",))


def rows_of(dataset: Dataset) -> list[int]:
    return [int(row) for split in dataset.splits.values() for row in split.x[:, 0]]


@pytest.mark.parametrize(
    ("counts", "plan", "expected"),
    [
        ({"all": 50}, SplitPlan(), {"train": 40, "valid": 5, "test": 5}),
        ({"train": 50}, SplitPlan(), {"train": 40, "valid": 5, "test": 5}),
        ({"all": 50}, SplitPlan(0.0, 0.2), {"train": 40, "test": 10}),
        ({"all": 50}, SplitPlan(0.0, 0.0), {"train": 50}),
        ({"train": 40, "test": 10}, SplitPlan(), {"train": 40, "test": 10}),
        ({"train": 40, "test": 10}, SplitPlan(valid_fraction=0.25), {"train": 30, "test": 10, "valid": 10}),
        ({"train": 40, "valid": 10}, SplitPlan(test_fraction=0.25), {"train": 30, "test": 10, "valid": 10}),
        ({"test": 5, "valid": 6, "train": 40}, SplitPlan(0.0, None), {"train": 40, "test": 5, "valid": 6}),
    ],
)
def test_splits_are_disjoint_and_complete(counts: dict[str, int], plan: SplitPlan, expected: dict[str, int]) -> None:
    divided = divide(numbered(**counts), plan)
    assert {name: len(split) for name, split in divided.splits.items()} == expected
    assert sorted(rows_of(divided)) == list(range(sum(counts.values())))
    facts = divided.facts["split"]
    assert isinstance(facts, dict)
    assert facts["counts"] == expected
    for split in divided.splits.values():  # labels follow
        assert split.labels is not None
        assert np.array_equal(split.x[:, 0], split.labels)
    assert divide(divided, plan) is divided


def test_the_own_test_split_stays_where_valid_is_drawn() -> None:
    divided = divide(numbered(train=40, test=10), SplitPlan(valid_fraction=0.25, seed=3))
    assert divided.splits["test"].x[:, 0].tolist() == list(range(40, 50))


def test_seeds() -> None:
    first, again, other = (divide(numbered(all=50), SplitPlan(seed=seed)) for seed in (1, 1, 2))
    assert rows_of(first) == rows_of(again) != rows_of(other)
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def test_the_permutation_never_changes() -> None:
    divided = divide(numbered(all=10), SplitPlan(0.2, 0.2))
    expected = np.random.Generator(np.random.PCG64(0)).permutation(10)
    assert divided.splits["test"].x[:, 0].tolist() == expected[:2].tolist()
    assert divided.splits["valid"].x[:, 0].tolist() == expected[2:4].tolist()


@pytest.mark.parametrize(
    ("counts", "plan", "message"),
    [
        ({"all": 50}, SplitPlan(valid_fraction=1.0), "valid_fraction expects a number from 0 up to 1"),
        ({"all": 50}, SplitPlan(valid_fraction=-0.1), "valid_fraction expects"),
        ({"all": 50}, SplitPlan(test_fraction=float("nan")), "test_fraction expects"),
        ({"all": 50}, SplitPlan(0.5, 0.5), "nothing is left for train"),
        ({"all": 3}, SplitPlan(), "split of 3 examples would be empty"),
        ({"all": 0}, SplitPlan(0.0, 0.0), "train split of 0 examples would be empty"),
        ({"train": 9, "test": 2}, SplitPlan(test_fraction=0.5), "have a test split of their own"),
        ({"train": 9, "test": 2}, SplitPlan(valid_fraction=-1.0), "valid_fraction expects"),
        ({"train": 9, "test": 0}, SplitPlan(), "split test is empty"),
        ({"test": 9}, SplitPlan(), "expected splits called train"),
    ],
)
def test_impossible_splits(counts: dict[str, int], plan: SplitPlan, message: str) -> None:
    with pytest.raises(VaelError, match=message):
        divide(numbered(**counts), plan)


def test_tables_stand_on_the_training_scale() -> None:
    generator = np.random.default_rng(0)
    train = generator.normal([1e9, -3.0, 0.1], [2.0, 0.5, 0.0], (400, 3))
    test = generator.normal([1e9, -3.0, 0.1], [2.0, 0.5, 0.0], (100, 3))
    table = Dataset("t", {"train": Split(train), "test": Split(test)}, 0, columns=("a", "b", "c"))
    scaled = standardise(table)
    x = scaled.splits["train"].x
    assert x.dtype == np.float32
    assert np.allclose(x.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(x.std(axis=0), [1, 1, 0], atol=1e-6)
    record = scaled.facts["standardised"]
    assert isinstance(record, dict)
    assert record["constant_columns"] == ["c"]
    assert record["scale"][2] == 1.0
    assert record["mean"] == pytest.approx(train.mean(axis=0).tolist())
    back = destandardise(scaled.splits["test"].x, scaled.facts)
    assert np.allclose(back, test, rtol=1e-12, atol=1e-6)


def test_without_a_record_nothing_is_undone() -> None:
    x = np.ones((2, 3))
    assert destandardise(x, {}) is x


def test_rows_keep_their_order_where_nothing_is_cut_off() -> None:
    assert assign({"all": 5}, SplitPlan(valid_fraction=0.0, test_fraction=0.0)) == {"train": ("all", None)}
