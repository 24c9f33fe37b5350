"""Every generic wrong term is named when it is there, and not named when it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vislab.check.diagnose import diagnose, diagnose_shape

ATOL = 1e-5
# batch 3, 5 joints, 2 coordinates; no two axes of the input are alike.
SIZES = (3, 5, 11, 17)


def generic(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 3 + 7


WRONG: dict[str, tuple[tuple[int, ...], Callable[[torch.Tensor], torch.Tensor]]] = {
    "is all zeros": ((3, 5, 2), torch.zeros_like),
    "has the wrong sign": ((3, 5, 2), lambda t: -t),
    "is twice what was expected": ((3, 5, 2), lambda t: 2 * t),
    "is half of what was expected": ((3, 5, 2), lambda t: t / 2),
    "is half a unit too large": ((3, 5, 2), lambda t: t + 0.5),
    "is half a unit too small": ((3, 5, 2), lambda t: t - 0.5),
    "is off by one (too large)": ((3, 5, 2), lambda t: t + 1),
    "is off by one (too small)": ((3, 5, 2), lambda t: t - 1),
    "has x and y swapped": ((3, 5, 2), lambda t: t.flip(-1)),
    "has its last two axes transposed": ((3, 4, 4), lambda t: t.transpose(-1, -2)),
    "repeats the first element of the batch": ((3, 5, 2), lambda t: t[:1].expand_as(t)),
    "is reversed along its last axis": ((3, 7), lambda t: t.flip(-1)),
    **{
        f"lacks a division by the length of axis {axis} of the input (sum where a mean was asked?)": ((3, 7), lambda t, n=size: t * n)
        for axis, size in enumerate(SIZES)
    },
    **{
        f"is divided once too often by the length of axis {axis} of the input (mean where a sum was asked?)": (
            (3, 7),
            lambda t, n=size: t / n,
        )
        for axis, size in enumerate(SIZES)
    },
    "is half a unit too large in x alone": ((3, 5, 2), lambda t: t + torch.tensor([0.5, 0.0], dtype=torch.float64)),
    "is half a unit too small in y alone": ((3, 5, 2), lambda t: t - torch.tensor([0.0, 0.5], dtype=torch.float64)),
    "is divided once too often by the lengths of the last two axes of the input": ((7,), lambda t: t / (11 * 17)),
    "lacks a division by the lengths of the last two axes of the input": ((7,), lambda t: t * (11 * 17)),
    "is divided once too often by the number of elements of the input (mean where a sum was asked?)": ((7,), lambda t: t / 2805),
    "lacks a division by the number of elements of the input (sum where a mean was asked?)": ((7,), lambda t: t * 2805),
    "is divided once too often by the lengths of axes 0 and 1 of the input": ((7,), lambda t: t / 15),
    "lacks a division by the lengths of axes 0 and 1 of the input": ((7,), lambda t: t * 15),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_term_is_named(text: str) -> None:
    shape, spoil = WRONG[text]
    expected = generic(*shape)
    rounding = ATOL * torch.sin(torch.arange(expected.numel(), dtype=torch.float64)).reshape(shape)
    assert diagnose(expected, (spoil(expected) + rounding).float(), ATOL, SIZES) == text


@pytest.mark.parametrize("text", WRONG)
def test_the_right_answer_is_not_named(text: str) -> None:
    expected = generic(*WRONG[text][0])
    assert diagnose(expected, expected.float(), ATOL, SIZES) is None


@pytest.mark.parametrize("shape", [(3, 5, 2), (3, 4, 4), (3, 7), (6,), (2, 2)], ids=str)
def test_unrelated_noise_is_not_named(shape: tuple[int, ...]) -> None:
    for seed in range(50):
        assert diagnose(generic(*shape, seed=seed), generic(*shape, seed=seed + 1000).float(), ATOL, SIZES) is None


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_term_with_one_stray_element_is_not_named(text: str) -> None:
    shape, spoil = WRONG[text]
    expected = generic(*shape)
    answer = spoil(expected).contiguous().clone()
    answer.view(-1)[-1] += 100 * ATOL
    assert diagnose(expected, answer, ATOL, SIZES) is None


def test_a_term_that_makes_no_difference_here_is_not_named() -> None:
    # of a constant, "reversed" and "repeated" are the same thing: saying either would mislead.
    constant = torch.full((3, 2), 4.0, dtype=torch.float64)
    assert diagnose(constant, constant + 5 * ATOL, ATOL) is None
    # doubled zeros are zeros.
    assert diagnose(torch.zeros(3, 2, dtype=torch.float64), torch.full((3, 2), 0.2, dtype=torch.float64), ATOL, SIZES) is None


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (generic(3, 2), generic(2, 3)),
        (torch.arange(6).reshape(3, 2), -torch.arange(6).reshape(3, 2)),
        (torch.tensor([True, False]), torch.tensor([False, True])),
        (torch.zeros(0, 2, dtype=torch.float64), torch.zeros(0, 2)),
        (torch.tensor([1.0, float("inf")], dtype=torch.float64), torch.tensor([2.0, float("inf")])),
        (torch.tensor([1.0, 2.0], dtype=torch.float64), torch.tensor([2.0, float("nan")])),
    ],
    ids=["shapes", "whole numbers", "booleans", "empty", "infinite target", "NaN answer"],
)
def test_what_cannot_be_diagnosed_is_not(expected: torch.Tensor, got: torch.Tensor) -> None:
    assert diagnose(expected, got, ATOL, SIZES) is None


def test_a_scalar_is_diagnosed() -> None:
    assert diagnose(torch.tensor(3.0, dtype=torch.float64), torch.tensor(6.0), ATOL) == "is twice what was expected"


def test_a_softmax_over_another_axis_is_named() -> None:
    logits = generic(3, 5, 7) / 3
    right = torch.softmax(logits, -1)
    for axis in (0, 1):
        told = diagnose(right, torch.softmax(logits, axis).float(), ATOL, SIZES, logits)
        assert told == f"is a softmax over axis {axis}, where one over axis 2 was asked"
    together = torch.softmax(logits.reshape(-1), 0).reshape(logits.shape)
    assert diagnose(right, together.float(), ATOL, SIZES, logits) == "is a softmax over all axes together"
    # of another input, of another shape, or where no softmax was asked, it is nothing of the kind.
    wrong = torch.softmax(logits, 0)
    for source in (None, logits + generic(3, 5, 7, seed=9), logits[:1], torch.arange(105).reshape(3, 5, 7)):
        assert diagnose(right, wrong, ATOL, SIZES, source) is None
    assert diagnose(logits * 2, wrong, ATOL, SIZES, logits) is None
    assert diagnose(right, right.float(), ATOL, SIZES, logits) is None


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (lambda t: t.transpose(-1, -2), "has the right values with its last two axes transposed"),
        (lambda t: t.permute(2, 0, 1), "has the right values with its axes in another order"),
        (lambda t: t[:, None], "has the right values with an axis of length 1 too many or too few"),
        (lambda t: t.transpose(-1, -2) + 1e-3, None),
        (lambda t: t.reshape(5, 4, 3), None),
        (lambda t: t[:2], None),
        (lambda t: t.flatten(), None),
        (lambda t: t[:0], None),
        (lambda t: t.transpose(-1, -2).to(torch.complex64), None),
    ],
    ids=["transposed", "permuted", "extra axis", "other values", "reshaped", "too few", "flat", "empty", "complex"],
)
def test_the_right_values_in_a_wrong_shape_are_told(turn: Callable[[torch.Tensor], torch.Tensor], told: str | None) -> None:
    expected = generic(3, 4, 5)
    got = turn(expected)
    assert diagnose_shape(expected, got if got.is_complex() else got.float(), 1e-6) == told


def test_whole_numbers_in_a_wrong_shape_are_told_too() -> None:
    expected = torch.arange(6).reshape(2, 3)
    assert diagnose_shape(expected, expected.T, 0.0) == "has the right values with its last two axes transposed"
    assert diagnose_shape(expected, expected.T + 1, 0.0) is None


def test_an_answer_of_many_axes_is_not_tried_in_every_order() -> None:
    expected = generic(1, 2, 1, 3, 1, 2)
    assert diagnose_shape(expected, expected.transpose(1, 3), ATOL) is None
