"""Name the common wrong term behind a wrong value, or behind a wrong shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import torch

# an answer with more axes is not tried in every order: 120 orders of five axes cost nothing, 5040 of seven do.
PERMUTED_AXES_MAX = 5
# units in the last place of the wrong term's largest element.
ROUNDINGS = 4.0


def diagnose(
    expected: torch.Tensor, got: torch.Tensor, atol: float, sizes: Sequence[int] = (), source: torch.Tensor | None = None
) -> str | None:
    """Return a sentence part such as ``is twice what was expected``, or None when no common wrong term fits.

    Args:
        expected: float64 reference ``[*shape]``.
        got: answer of the same shape.
        atol: allowed absolute error; a wrong term fits when it explains the answer within ten times that.
        sizes: axis lengths of the first input, to name a missing or surplus division by one of them.
        source: the first input itself, to name a softmax over another axis.
    """
    if expected.shape != got.shape or not expected.is_floating_point() or expected.numel() == 0:
        return None
    reference, values = expected.to(torch.float64), got.detach().to(torch.float64)
    if not bool(torch.isfinite(reference).all() and torch.isfinite(values).all()):
        return None
    # a wrong term counts only where it differs from the right one by more than it is allowed to miss.
    slack = 10.0 * atol + 1e-12
    eps = torch.finfo(got.dtype).eps if got.is_floating_point() else 0.0
    for text, candidate in _candidates(reference, sizes, source, slack):
        # a sum in the place of a mean is so much larger that its own rounding exceeds what the mean is allowed.
        room = slack + ROUNDINGS * eps * float(candidate.abs().max())
        if float((candidate - reference).abs().max()) > 4 * room and float((candidate - values).abs().max()) <= room:
            return text
    return None


def diagnose_shape(expected: torch.Tensor, got: torch.Tensor, atol: float) -> str | None:
    """Return what is wrong with an answer's shape, such as ``has the right values with its axes in another order``, or None.

    Args:
        expected: reference ``[*shape]``.
        got: answer of another shape.
        atol: allowed absolute error of its elements.
    """
    if expected.is_complex() or got.is_complex() or got.is_quantized or got.numel() != expected.numel() or got.numel() == 0:
        return None
    reference, values = expected.to(torch.float64), got.detach().to(torch.float64)
    slack = 10.0 * atol + 1e-12
    squeezed, wanted = values.squeeze(), reference.squeeze()
    if squeezed.shape == wanted.shape and _near(squeezed, wanted, slack):
        return "has the right values with an axis of length 1 too many or too few"
    if values.ndim == reference.ndim <= PERMUTED_AXES_MAX:
        for order in permutations(range(values.ndim)):
            turned = values.permute(order)
            if turned.shape == reference.shape and _near(turned, reference, slack):
                swapped = [axis for axis, place in enumerate(order) if axis != place]
                ends = "its last two axes transposed" if swapped == [values.ndim - 2, values.ndim - 1] else "its axes in another order"
                return f"has the right values with {ends}"
    return None


def _near(first: torch.Tensor, second: torch.Tensor, slack: float) -> bool:
    return bool(torch.allclose(first, second, rtol=0.0, atol=slack, equal_nan=True))


def _candidates(
    expected: torch.Tensor, sizes: Sequence[int], source: torch.Tensor | None, slack: float
) -> Iterator[tuple[str, torch.Tensor]]:
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
        # half a pixel in one coordinate: a centre that is right along one axis of the picture only.
        for number, name in enumerate("xy"):
            one = torch.zeros(2, dtype=expected.dtype)
            one[number] = 0.5
            yield f"is half a unit too large in {name} alone", expected + one
            yield f"is half a unit too small in {name} alone", expected - one
    if expected.ndim >= 2 and expected.shape[-1] == expected.shape[-2]:
        yield "has its last two axes transposed", expected.transpose(-1, -2)
    if expected.ndim >= 1 and expected.shape[0] > 1:
        yield "repeats the first element of the batch", expected[:1].expand_as(expected)
    if expected.ndim >= 1 and expected.shape[-1] > 1:
        yield "is reversed along its last axis", expected.flip(-1)
    yield from _softmaxes(expected, source, slack)
    yield from _shares(expected, sizes)


def _softmaxes(expected: torch.Tensor, source: torch.Tensor | None, slack: float) -> Iterator[tuple[str, torch.Tensor]]:
    if source is None or source.shape != expected.shape or not source.is_floating_point() or source.ndim < 2:
        return
    logits = source.detach().to(torch.float64)
    over = {axis: torch.softmax(logits, axis) for axis in range(logits.ndim)}
    asked = [axis for axis, share in over.items() if _near(share, expected, slack)]
    for axis, share in over.items():
        if asked and axis not in asked:
            yield f"is a softmax over axis {axis}, where one over axis {asked[0]} was asked", share
    if asked:
        yield "is a softmax over all axes together", torch.softmax(logits.reshape(-1), 0).reshape(logits.shape)


def _shares(expected: torch.Tensor, sizes: Sequence[int]) -> Iterator[tuple[str, torch.Tensor]]:
    """Sums in the place of means and means in the place of sums, over one axis of the input or several."""
    for axis, size in enumerate(sizes):
        if size > 1:
            yield f"lacks a division by the length of axis {axis} of the input (sum where a mean was asked?)", expected * size
            yield f"is divided once too often by the length of axis {axis} of the input (mean where a sum was asked?)", expected / size
    if len(sizes) >= 2 and sizes[0] * sizes[1] > 1:
        yield "is divided once too often by the lengths of axes 0 and 1 of the input", expected / (sizes[0] * sizes[1])
        yield "lacks a division by the lengths of axes 0 and 1 of the input", expected * (sizes[0] * sizes[1])
    if len(sizes) >= 3 and sizes[-1] * sizes[-2] > 1:
        yield "is divided once too often by the lengths of the last two axes of the input", expected / (sizes[-1] * sizes[-2])
        yield "lacks a division by the lengths of the last two axes of the input", expected * (sizes[-1] * sizes[-2])
    count = 1
    for size in sizes:
        count *= size
    if len(sizes) >= 3 and count > 1:
        yield "is divided once too often by the number of elements of the input (mean where a sum was asked?)", expected / count
        yield "lacks a division by the number of elements of the input (sum where a mean was asked?)", expected * count
