"""The behaviour probe: the student's code trains for real, and what it then predicts is scored by a metric against bands."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from autograder.exercise.shipped import ship
from vislab.check.behaviour import metric_value, share_of

# a machine that grades several submissions at once gives each a part of its time: the wall clock is generous, the CPU's is what counts.
WALL_PER_CPU = 2.0
ALLOWANCE_S_MAX = 600.0
# torch loads its compiler when a process makes its first optimiser.
FIRST_OPTIMISER_S = 20.0


@dataclass(frozen=True)
class Band:
    """What a metric must lie in, ends included.

    Args:
        low, high: either may be left out.
        share: of the points, in (0, 1].
    """

    low: float | None = None
    high: float | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        ends = [end for end in (self.low, self.high) if end is not None]
        if not ends or not all(math.isfinite(end) for end in ends) or (len(ends) == 2 and ends[0] > ends[1]):
            raise ValueError(f"band {self.low!r} to {self.high!r} must have a finite end, the lower one first; write Band(low=0.9)")
        # written so that NaN fails.
        if not 0 < self.share <= 1:
            raise ValueError(f"band share {self.share!r} must lie in (0, 1]; 1 earns all points")


@dataclass(frozen=True)
class BehaviourProbe:
    """Call the student's function on training data and hidden inputs, with ``steps=`` and ``seed=``; score what it predicts.

    The exercise's cases hold the targets of the hidden inputs in ``Inputs.withheld``: they never leave the judge. Its ``baseline`` predicts
    without learning; it sets the form of the predictions, and must fall outside every band.

    Args:
        metric: ``metric(predictions, *withheld)`` to a number, for any finite predictions of the right form; floating tensors come in
            float64. A function of ``vislab``, or of the exercise's own module, whose source text then travels with the public cases: it
            may use ``torch``, ``nn``, ``F`` and ``Tensor`` alone.
        unit: what the metric measures, as messages say it: "accuracy", "mean error in pixels".
        bands: the largest share of those that hold the metric is earned; one earns all.
        steps: budget in optimiser steps, handed over as ``steps``. Steps are counted by the student's own process: observed evidence.
        allowance_s: CPU seconds for one case, several times what the steps take: machines differ, and the budget is in steps.
    """

    metric: Callable[..., Any]
    unit: str
    bands: tuple[Band, ...]
    steps: int
    allowance_s: float = 60.0
    kind: str = "behaviour"

    def __post_init__(self) -> None:
        if not callable(self.metric):
            raise ValueError(f"metric {self.metric!r} must be a function of predictions and withheld targets")
        if not self.unit:
            raise ValueError("unit is empty; say what the metric measures, such as 'accuracy'")
        if not any(band.share == 1.0 for band in self.bands):
            raise ValueError("no band has share 1; a training exercise needs one that earns all points")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise ValueError(f"steps {self.steps!r} must be a whole number of at least 1")
        if not 0 < self.allowance_s <= ALLOWANCE_S_MAX:
            raise ValueError(f"allowance_s {self.allowance_s!r} must lie in (0, {ALLOWANCE_S_MAX:g}]; 60 is the usual one")

    @property
    def extra_s(self) -> float:
        """Wall seconds on top of a case's own."""
        return WALL_PER_CPU * self.allowance_s + FIRST_OPTIMISER_S

    def header(self, guess: torch.Tensor, dtype: torch.dtype) -> dict[str, Any]:
        """Return the plan's part ``behaviour``.

        Args:
            guess: the baseline's predictions.
            dtype: of the case.
        """
        return {
            "steps": self.steps,
            "allowance_s": self.allowance_s,
            "unit": self.unit,
            "bands": [{"low": band.low, "high": band.high, "share": band.share} for band in self.bands],
            "metric": ship(self.metric),
            "form": {"shape": list(guess.shape), "dtype": str(dtype if guess.is_floating_point() else guess.dtype).removeprefix("torch.")},
        }

    def share(self, predictions: torch.Tensor, withheld: Sequence[torch.Tensor]) -> float:
        """Return the share of the points that predictions earn."""
        bands = [{"low": band.low, "high": band.high, "share": band.share} for band in self.bands]
        return share_of(bands, metric_value(self.metric, predictions, withheld))


def refuse_telling(withheld: Sequence[torch.Tensor], sent: Sequence[Any]) -> None:
    """Refuse a case that withholds nothing, or sends what it withholds.

    Raises:
        ValueError: says which.
    """
    if not withheld:
        raise ValueError("Inputs.withheld is empty; it holds the targets of the hidden inputs")
    for number, target in enumerate(withheld):
        for position, value in enumerate(sent):
            if isinstance(value, torch.Tensor) and value.shape == target.shape and bool((value == target).all()):
                raise ValueError(f"withheld target {number} is sent as input {position}; hidden targets never leave the judge")
