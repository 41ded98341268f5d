import numpy as np
import pytest
import torch

import vael.precision
from vael.precision import FLOAT32_ERROR, Precision, choose_precision
from vael.types import PrecisionName

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "native", "autocast"),
    [
        ("float32", True, False),
        ("float32", False, False),
        ("bfloat16", True, True),
        ("bfloat16", False, True),
        ("auto", True, True),
        ("auto", False, False),
    ],
)
def test_bfloat16_runs_where_asked_for_or_native(
    monkeypatch: pytest.MonkeyPatch, name: PrecisionName, native: bool, autocast: bool
):
    monkeypatch.setattr(vael.precision, "_has_native_bfloat16", lambda device: native)
    assert choose_precision(name, CPU).autocast is autocast


def test_products_under_the_chosen_setting_are_float32_products():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((50, 300)).astype(np.float32), rng.standard_normal((300, 40)).astype(np.float32)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    precision = choose_precision("float32", CPU)
    with precision.multiplying():
        product = (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
    relative = np.sqrt(np.mean((product - exact) ** 2) / np.mean(exact**2))
    assert relative < FLOAT32_ERROR
    assert precision.relative_error < FLOAT32_ERROR


@pytest.mark.parametrize(("medium_error", "expected"), [(3e-3, "highest"), (3e-7, "medium")], ids=["coarse", "fine"])
def test_faster_products_are_chosen_only_where_they_are_accurate(
    monkeypatch: pytest.MonkeyPatch, medium_error: float, expected: str
):
    def measured(device: torch.device) -> float:
        return {"medium": medium_error, "highest": 1e-7}[torch.get_float32_matmul_precision()]

    monkeypatch.setattr(vael.precision, "_relative_error", measured)
    assert choose_precision("float32", CPU).products == expected


def test_choosing_leaves_the_setting_of_torch_alone():
    before = torch.get_float32_matmul_precision()
    choose_precision("auto", CPU)
    assert torch.get_float32_matmul_precision() == before


def test_multiplying_puts_the_setting_of_torch_back_after_an_error():
    before = torch.get_float32_matmul_precision()
    setting = "medium" if before == "highest" else "highest"
    with Precision(False, setting, 0.0).multiplying():
        assert torch.get_float32_matmul_precision() == setting
    assert torch.get_float32_matmul_precision() == before
    with pytest.raises(ZeroDivisionError), Precision(False, setting, 0.0).multiplying():
        raise ZeroDivisionError
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize(("autocast", "dtype"), [(True, torch.bfloat16), (False, torch.float32)], ids=["on", "off"])
def test_autocast_decides_what_products_come_out_in(autocast: bool, dtype: torch.dtype):
    a = torch.ones(4, 4)
    with Precision(autocast, "highest", 0.0).autocasting(CPU):
        assert (a @ a).dtype == dtype
    assert (a @ a).dtype == torch.float32
