"""Name the common wrong term behind a wrong value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch


def diagnose(expected: torch.Tensor, got: torch.Tensor, atol: float, sizes: Sequence[int] = ()) -> str | None:
    """Return a sentence part such as ``is twice what was expected``, or None when no common wrong term fits.

    Args:
        expected: float64 reference ``[*shape]``.
        got: answer of the same shape.
        atol: allowed absolute error; a wrong term fits when it explains the answer within ten times that.
        sizes: axis lengths of the first input, to name a missing or surplus division by one of them.
    """
    if expected.shape != got.shape or not expected.is_floating_point() or expected.numel() == 0:
        return None
    reference, values = expected.to(torch.float64), got.detach().to(torch.float64)
    if not bool(torch.isfinite(reference).all() and torch.isfinite(values).all()):
        return None
    # a wrong term counts only where it differs from the right one by more than it is allowed to miss.
    slack = 10.0 * atol + 1e-12
    for text, candidate in _candidates(reference, sizes):
        if float((candidate - reference).abs().max()) > 4 * slack and float((candidate - values).abs().max()) <= slack:
            return text
    return None


def _candidates(expected: torch.Tensor, sizes: Sequence[int]) -> Iterator[tuple[str, torch.Tensor]]:
    yield "is all zeros", torch.zeros_like(expected)
    yield "has the wrong sign", -expected
    yield "is twice what was expected", 2.0 * expected
    yield "is half of what was expected", 0.5 * expected
    for offset, text in (
        (0.5, "half a unit too large"),
        (-0.5, "half a unit too small"),
        (1.0, "off by one (too large)"),
        (-1.0, "off by one (too small)"),
    ):
        yield f"is {text}", expected + offset
    if expected.ndim >= 1 and expected.shape[-1] == 2:
        yield "has x and y swapped", expected.flip(-1)
    if expected.ndim >= 2 and expected.shape[-1] == expected.shape[-2]:
        yield "has its last two axes transposed", expected.transpose(-1, -2)
    if expected.ndim >= 1 and expected.shape[0] > 1:
        yield "repeats the first element of the batch", expected[:1].expand_as(expected)
    if expected.ndim >= 1 and expected.shape[-1] > 1:
        yield "is reversed along its last axis", expected.flip(-1)
    for axis, size in enumerate(sizes):
        if size > 1:
            yield f"lacks a division by the length of axis {axis} of the input (sum where a mean was asked?)", expected * size
            yield f"is divided once too often by the length of axis {axis} of the input (mean where a sum was asked?)", expected / size
    if len(sizes) >= 2 and sizes[0] * sizes[1] > 1:
        yield "is divided once too often by the lengths of axes 0 and 1 of the input", expected / (sizes[0] * sizes[1])
        yield "lacks a division by the lengths of axes 0 and 1 of the input", expected * (sizes[0] * sizes[1])
