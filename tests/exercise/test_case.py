"""Cases: their rules, and inputs that are the very numbers a student receives."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from toy_exercises import noise

from autograder.exercise.case import LAYOUTS, Case, Inputs
from autograder.exercise.draw import Draw
from vislab.check.verdict import Family

SEED = b"\x01" * 32


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"family": "valeu"}, "case 'c': family 'valeu' must be one of value, gradient, stability, dtype, edge, behaviour, purity, rule"),
        ({"family": "purity"}, "case 'c': family purity is observed on every call; give the case a proven family"),
        ({"family": Family.RULE}, "case 'c': family rule is observed on every call"),
        ({"layout": "fortran"}, "case 'c': layout 'fortran' must be one of ('contiguous', 'strided', 'transposed', 'offset')"),
        ({"dtype": "int64"}, "case 'c': dtype 'int64' must be a floating dtype's name"),
        ({"dtype": "complex64"}, "case 'c': dtype 'complex64' must be a floating dtype's name"),
        ({"raises": "ValueEror"}, "case 'c': raises 'ValueEror' must be the name of a built-in exception"),
        ({"raises": "print"}, "case 'c': raises 'print' must be the name of a built-in exception"),
        ({"raises": "ValueError", "gradient": True}, "case 'c': a call that raises has no gradient; use another family, or drop raises"),
        ({"raises": "ValueError", "family": "gradient"}, "case 'c': a call that raises has no gradient"),
        ({"atol": -1e-9}, "case 'c': atol -1e-09 must be a number of at least 0"),
        ({"atol": float("nan")}, "case 'c': atol nan must be a number of at least 0"),
        ({"atol": float("inf")}, "case 'c': atol inf must be a number of at least 0"),
    ],
)
def test_a_broken_rule_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        Case(**{"name": "c", "family": "value", "draw": noise(2), **fields})


@pytest.mark.parametrize(
    "fields",
    [
        *({"layout": layout} for layout in LAYOUTS),
        *({"dtype": dtype} for dtype in ("float16", "bfloat16", "float32", "float64")),
        *({"family": family} for family in ("value", "gradient", "stability", "dtype", "edge", "behaviour")),
        {"raises": "ValueError"},
        {"raises": "NotImplementedError", "family": "edge"},
        {"atol": 0.0},
    ],
)
def test_what_the_rules_allow(fields: dict[str, Any]) -> None:
    case = Case(**{"name": "c", "family": "value", "draw": noise(2), **fields})
    assert isinstance(case.family, Family)


@pytest.mark.parametrize(
    ("family", "gradient", "wants"),
    [("value", None, False), ("value", True, True), ("gradient", None, True), ("gradient", False, False), ("stability", True, True)],
)
def test_when_a_gradient_is_wanted(family: str, gradient: bool | None, wants: bool) -> None:
    assert Case("c", family, noise(2), gradient=gradient).wants_gradient is wants


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_inputs_are_rounded_to_what_is_sent_and_kept_in_float64(dtype: str) -> None:
    def material(draw: Draw) -> Inputs:
        return Inputs(
            (draw.normal(3, 4), draw.integers(0, 9, 5), 0.1, None),
            {"scale": draw.normal(2), "mask": draw.mask(0.5, 4), "name": "x"},
            {"weight": draw.normal(2, 2)},
            {"size": 3},
        )

    inputs = Case("c", "value", material, dtype=dtype).inputs(SEED)
    for tensor in (inputs.args[0], inputs.kwargs["scale"], inputs.weights["weight"]):
        assert tensor.dtype is torch.float64
        assert torch.equal(tensor, tensor.to(getattr(torch, dtype)).double())
    assert inputs.args[1].dtype is torch.int64 and inputs.kwargs["mask"].dtype is torch.bool
    # plain numbers are sent as JSON and are not rounded.
    assert inputs.args[2:] == (0.1, None) and inputs.kwargs["name"] == "x" and inputs.init == {"size": 3}
    exact = material(Draw(SEED)).args[0]
    assert torch.equal(inputs.args[0], exact) is (dtype == "float64")


def test_a_plain_tuple_of_inputs_will_do() -> None:
    assert Case("c", "value", lambda draw: (draw.normal(2), 3)).inputs(SEED).args[1] == 3


def test_equal_seeds_draw_equal_inputs_and_others_do_not() -> None:
    case = Case("c", "value", noise(3, 4))
    first = case.inputs(SEED).args[0]
    assert torch.equal(first, case.inputs(SEED).args[0])
    assert not torch.equal(first, case.inputs(b"\x02" * 32).args[0])
    assert not torch.equal(first, case.inputs(b"\x00" + SEED[1:]).args[0])


def test_infinities_and_nan_survive_the_rounding() -> None:
    value = torch.tensor([float("nan"), float("inf"), -float("inf"), 1e30], dtype=torch.float64)
    rounded = Case("c", "stability", lambda draw: (value,), dtype="float16").inputs(SEED).args[0]
    assert torch.isnan(rounded[0]) and rounded[1:].tolist() == [float("inf"), -float("inf"), float("inf")]
