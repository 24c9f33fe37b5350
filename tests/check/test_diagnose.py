"""Every generic wrong term is named when it is there, and not named when it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from vislab.check.diagnose import diagnose

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
