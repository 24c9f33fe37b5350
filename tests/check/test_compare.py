"""One answered tensor against one target: the order of faults, near misses on both sides, and nothing that NaN could slip through."""

from __future__ import annotations

import re

import pytest
import torch

from vislab.check.compare import Finding, Target, compare
from vislab.check.verdict import Verdict

ATOL = 1e-4


def target(value: torch.Tensor, dtype: torch.dtype = torch.float32, atol: float = ATOL, bias: float | None = None) -> Target:
    return Target(value, dtype, atol, atol if bias is None else bias)


@pytest.fixture
def expected() -> torch.Tensor:
    return torch.tensor([[1.5, -2.25, 3.0], [0.0, 40.0, -7.0]], dtype=torch.float64)


def verdict(finding: Finding | None) -> Verdict:
    return Verdict.OK if finding is None else finding.verdict


def test_the_reference_itself_passes(expected: torch.Tensor) -> None:
    assert compare(expected.float(), target(expected)) is None
    assert compare(expected, target(expected, torch.float64, 0.0)) is None


@pytest.mark.parametrize("gradient", [False, True])
def test_faults_are_found_in_the_order_shape_dtype_finiteness_value(expected: torch.Tensor, gradient: bool) -> None:
    wrong_value = Verdict.WRONG_GRADIENT if gradient else Verdict.WRONG_VALUE
    # every answer has all the faults that come after the one it is named for.
    wrong = expected + 1
    wrong[0, 0] = float("nan")
    answers = {
        Verdict.WRONG_SHAPE: wrong.reshape(3, 2).half(),
        Verdict.WRONG_DTYPE: wrong.half(),
        Verdict.NOT_FINITE: wrong.float(),
        wrong_value: (expected + 1).float(),
    }
    for expected_verdict, answer in answers.items():
        assert verdict(compare(answer, target(expected), gradient=gradient)) is expected_verdict


@pytest.mark.parametrize("shape", [(), (1,), (6,), (1, 6), (6, 1), (2, 1), (1, 3), (1, 2, 3), (3, 2), (2, 3, 1), (0, 3)], ids=str)
def test_another_shape_is_never_broadcast(expected: torch.Tensor, shape: tuple[int, ...]) -> None:
    same = torch.full((2, 3), 2.0, dtype=torch.float64)
    found = compare(torch.full(shape, 2.0), target(same))
    assert found == Finding(Verdict.WRONG_SHAPE, f"answer has shape {list(shape)}, expected [2, 3]")


def test_a_view_of_stride_zero_passes_where_its_values_are_right() -> None:
    constant = torch.full((4, 5), 0.5, dtype=torch.float64)
    assert compare(torch.tensor(0.5).expand(4, 5), target(constant)) is None
    uneven = constant.clone()
    uneven[3, 4] = 0.75
    assert verdict(compare(torch.tensor(0.5).expand(4, 5), target(uneven))) is Verdict.WRONG_VALUE


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.bool, torch.uint8], ids=str)
def test_another_dtype_fails_even_with_equal_values(dtype: torch.dtype) -> None:
    ones = torch.ones(3, dtype=torch.float64)
    found = compare(torch.ones(3, dtype=dtype), target(ones))
    assert found == Finding(Verdict.WRONG_DTYPE, f"answer has dtype {str(dtype).removeprefix('torch.')}, expected float32")


def test_just_inside_the_tolerance_passes_and_just_outside_does_not() -> None:
    value = torch.zeros(64, dtype=torch.float64)
    inside, outside = value.clone(), value.clone()
    inside[::2], inside[1::2] = ATOL, -ATOL
    outside[::2], outside[1::2] = ATOL, -ATOL
    outside[5] = -ATOL * (1 + 1e-12)
    assert compare(inside, target(value, torch.float64)) is None
    found = compare(outside, target(value, torch.float64))
    assert verdict(found) is Verdict.WRONG_VALUE and found is not None and found.diagnosable


def test_a_near_miss_reads_as_a_miss() -> None:
    value = torch.zeros(4, dtype=torch.float64)
    for excess in (1e-2, 1e-6, 1e-12):
        found = compare(value + ATOL * (1 + excess), target(value, torch.float64))
        assert found is not None
        first, second = re.fullmatch(r"max error (\S+) \(allowed (\S+)\)", found.text).groups()  # type: ignore[union-attr]
        assert first != second and float(first) > float(second)
    for size, text in ((312.0, "310"), (0.0312, "0.031"), (31234.0, "31000"), (3.1e7, "3.1e+07"), (float("1e-3"), "0.001")):
        found = compare(value + size, target(value, torch.float64))
        assert found is not None and found.text == f"max error {text} (allowed 0.0001)"
    far = compare(value + 3.21, target(value, torch.float64))
    assert far is not None and far.text == "max error 3.2 (allowed 0.0001)"


@pytest.mark.parametrize("place", [0, 3, 5])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_fails_wherever_it_stands(expected: torch.Tensor, place: int, bad: float) -> None:
    answer = expected.float()
    answer.view(-1)[place] = bad
    found = compare(answer, target(expected, atol=1e30))
    assert found == Finding(Verdict.NOT_FINITE, "1 of 6 elements of the answer are NaN or infinite")


def test_a_tolerance_that_is_nan_lets_nothing_pass(expected: torch.Tensor) -> None:
    nan = float("nan")
    assert verdict(compare(expected.float(), Target(expected, torch.float32, nan, 1.0))) is Verdict.WRONG_VALUE
    assert verdict(compare(expected.float(), Target(expected, torch.float32, ATOL, nan))) is Verdict.WRONG_VALUE


def test_an_error_beyond_float64_fails() -> None:
    value = torch.tensor([1e308], dtype=torch.float64)
    assert verdict(compare(-value, target(value, torch.float64, atol=1e300))) is Verdict.WRONG_VALUE


def test_minus_zero_is_zero() -> None:
    zero = torch.zeros(3, dtype=torch.float64)
    assert compare(-zero.float(), target(zero, atol=0.0)) is None
    assert compare(zero.float(), target(-zero, atol=0.0)) is None


def test_infinities_and_nan_match_only_themselves_and_only_in_place() -> None:
    inf, nan = float("inf"), float("nan")
    value = torch.tensor([1.0, inf, -inf, nan], dtype=torch.float64)
    assert compare(value.float(), target(value)) is None
    for wrong in ([1.0, -inf, -inf, nan], [1.0, inf, inf, nan], [1.0, inf, -inf, inf], [1.0, 3e38, -inf, nan], [1.0, nan, -inf, nan]):
        found = compare(torch.tensor(wrong), target(value))
        assert found == Finding(Verdict.WRONG_VALUE, "1 elements of the answer must be NaN or infinite and are not")
    assert verdict(compare(torch.tensor([inf, 1.0, -inf, nan]), target(value))) is Verdict.NOT_FINITE
    assert verdict(compare(torch.tensor([1.5, inf, -inf, nan]), target(value))) is Verdict.WRONG_VALUE


def test_nothing_but_infinities_is_still_compared() -> None:
    value = torch.full((2,), float("inf"), dtype=torch.float64)
    assert compare(value.float(), target(value, atol=0.0)) is None
    assert verdict(compare(-value.float(), target(value, atol=0.0))) is Verdict.WRONG_VALUE


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool], ids=str)
def test_whole_numbers_and_booleans_must_be_equal(dtype: torch.dtype) -> None:
    value = torch.tensor([0, 1, 1, 0]).to(dtype)
    assert compare(value.clone(), Target(value, dtype, 0.0, 0.0)) is None
    wrong = value.clone()
    wrong[2] = 0
    found = compare(wrong, Target(value, dtype, 0.0, 0.0))
    assert found == Finding(Verdict.WRONG_VALUE, "1 of 4 elements of the answer differ", diagnosable=True)
    other = torch.float32 if dtype is not torch.int64 else torch.int32
    assert verdict(compare(value.to(other), Target(value, dtype, 0.0, 0.0))) is Verdict.WRONG_DTYPE


@pytest.mark.parametrize("shape", [(0,), (0, 5, 2), (3, 0)], ids=str)
def test_an_empty_answer_is_compared_by_shape_and_dtype(shape: tuple[int, ...]) -> None:
    empty = torch.zeros(shape, dtype=torch.float64)
    assert compare(empty.float(), target(empty, atol=0.0)) is None
    assert verdict(compare(empty.double(), target(empty, atol=0.0))) is Verdict.WRONG_DTYPE
    assert verdict(compare(torch.zeros(0, 7), target(empty, atol=0.0))) is Verdict.WRONG_SHAPE


def test_a_constant_offset_inside_the_tolerance_fails_by_its_mean() -> None:
    value = torch.linspace(-3, 3, 400, dtype=torch.float64)
    bounds = target(value, torch.float64, bias=ATOL / 10)
    scattered = value + ATOL * 0.9 * torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(200)
    assert compare(scattered, bounds) is None
    for sign, side in ((1, "too large"), (-1, "too small")):
        found = compare(value + sign * ATOL / 2, bounds)
        assert found is not None and found.verdict is Verdict.WRONG_VALUE and found.diagnosable
        assert found.text == f"no element is off by more than 0.0001, but together they are {side}: mean error 5e-05 (allowed 1e-05)"
    assert compare(value + ATOL / 10 * 0.999, bounds) is None
    assert compare(value + ATOL / 10 * 1.001, bounds) is not None


def test_a_gradient_is_called_a_gradient(expected: torch.Tensor) -> None:
    nan = expected.float()
    nan[0, 0] = float("nan")
    texts = [
        compare(answer, target(expected), gradient=True) for answer in (expected.float()[0], expected.half(), nan, expected.float() + 1)
    ]
    assert all(finding is not None for finding in texts)
    assert [finding.text for finding in texts if finding is not None] == [
        "gradient has shape [3], expected [2, 3]",
        "gradient has dtype float16, expected float32",
        "1 of 6 elements of the gradient are NaN or infinite",
        "max error 1 (allowed 0.0001)",
    ]


def test_answers_that_need_gradients_are_compared(expected: torch.Tensor) -> None:
    assert compare(expected.float().requires_grad_(), target(expected)) is None


def test_half_precision_is_compared_in_float64() -> None:
    value = torch.tensor([2049.0], dtype=torch.float64)
    # in float16 the difference of 2048 and 2049 would be 0.
    assert verdict(compare(torch.tensor([2048.0]).half(), target(value, torch.float16, atol=0.5))) is Verdict.WRONG_VALUE
