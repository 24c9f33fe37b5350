"""How much an answer may differ from the exact reference: derived from errors that the reference itself makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

FLOOR_ULPS = 8.0
BIAS_FLOOR_ULPS = 2.0
GRADIENT_SLACK = 4.0
# of independent errors as large as a stated tolerance allows, the mean stays within so many standard deviations.
STATED_DEVIATIONS = 4.0


@dataclass(frozen=True)
class Margin:
    """What is allowed of one expected tensor, as a share of its largest magnitude (of 1 where it is zero everywhere).

    Args:
        largest: error of one element.
        mean: mean signed error of all.
    """

    largest: float
    mean: float

    def at_least(self, other: Margin) -> Margin:
        return Margin(max(self.largest, other.largest), max(self.mean, other.mean))


@dataclass(frozen=True)
class Run:
    """One result of the reference that is known to be off.

    Args:
        value: the result, in float64.
        weight: its error counts this many times.
        rounded: whether rounding inside the reference made the error, rather than moved inputs.
    """

    value: torch.Tensor
    weight: float = 1.0
    rounded: bool = False


def magnitude(exact: torch.Tensor) -> float:
    """Return the largest finite magnitude, 0 where there is none."""
    finite = exact[torch.isfinite(exact)]
    return float(finite.abs().max()) if finite.numel() else 0.0


def summing_floor(eps: float, elements: int) -> float:
    """Return the relative error that is always allowed.

    The reference adds pairwise. Whoever adds one number after the other, as a loop or a matrix product may, errs by as many units in the
    last place as the square root of their number; half-precision sums are kept in float32.

    Args:
        eps: of the case's dtype.
        elements: of the largest input.
    """
    return FLOOR_ULPS * eps + min(eps, torch.finfo(torch.float32).eps) * elements**0.5


def stated_bias(atol: float, count: int, derived: float) -> float:
    """Return the mean signed error that is allowed where the author states the tolerance.

    Errors that come and go cancel; a constant offset inside the tolerance does not, and must not pass. Of few elements nothing can be told.

    Args:
        atol: stated, in the value's own unit.
        count: elements.
        derived: mean error that would be allowed without the statement, likewise.
    """
    return min(atol, max(derived, atol * STATED_DEVIATIONS / max(count, 1) ** 0.5))


def margin_of(exact: torch.Tensor, runs: Sequence[Run], eps: float, factor: float, floor: float, *, gradient: bool) -> Margin:
    """Derive what is allowed of one tensor.

    The largest error of any run, times ``factor``, plus ``floor``. In a gradient, rounding counts ``GRADIENT_SLACK`` times: backward
    passes of equal formulas cancel in different places, and the reference's may be the lucky one.
    The mean signed error of the runs bounds the bias likewise, plus ``BIAS_FLOOR_ULPS`` units because one rounded constant moves every
    element alike; otherwise the bound shrinks with the number of elements, as independent rounding errors do.

    Args:
        exact: float64 reference.
        runs: at least one.
        eps: of the case's dtype.
        factor: of the exercise.
        floor: of ``summing_floor``.
        gradient: whether the tensor is one.
    """
    finite = torch.isfinite(exact)
    count = int(finite.sum())
    if count == 0:
        return Margin(0.0, 0.0)
    size = magnitude(exact)
    largest, signed = 0.0, 0.0
    for run in runs:
        error = (run.value - exact)[finite]
        # a reference that overflows in the student's dtype must not open the tolerance to infinity.
        error = error[torch.isfinite(error)]
        if error.numel():
            weight = run.weight * (GRADIENT_SLACK if gradient and run.rounded else 1.0) / (size or 1.0)
            largest = max(largest, weight * float(error.abs().max()))
            signed = max(signed, weight * abs(float(error.mean())))
    allowed = factor * largest + (floor if size else 0.0)
    bias_floor = BIAS_FLOOR_ULPS * eps if size else 0.0
    return Margin(allowed, min(allowed, factor * signed + bias_floor + allowed / count**0.5))
