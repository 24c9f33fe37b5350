"""Score what a trained model predicts: its form, then a metric against bands; and count the steps that it took."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook
from tqdm import tqdm

from vislab.check.budget import silent
from vislab.check.compare import Finding, Target
from vislab.check.examine import examine
from vislab.check.verdict import Verdict


@dataclass
class StepCount:
    """How many optimiser steps have been taken so far."""

    taken: int = 0


@contextmanager
def counted_steps(spec: Mapping[str, Any]) -> Iterator[StepCount]:
    """Count the optimiser steps inside the block, of whatever optimiser of torch; people see a bar, with what they train for.

    Args:
        spec: the plan's part ``behaviour``.
    """
    count = StepCount()
    # standard output, since notebooks colour standard error as if something had failed.
    shown = tqdm(total=spec["steps"], desc=f"{spec['unit']}: {asked(spec)}", disable=silent(), file=sys.stdout, unit="step")

    def note(*_: Any) -> None:
        count.taken += 1
        shown.update(1)

    handle = register_optimizer_step_post_hook(note)
    try:
        yield count
    finally:
        handle.remove()
        shown.close()


def judge_predictions(
    plan: Mapping[str, Any],
    outputs: Sequence[Mapping[str, Any]],
    tensors: Mapping[str, torch.Tensor],
    metric: Callable[..., Any],
    withheld: Sequence[torch.Tensor],
) -> tuple[Finding | None, float | None]:
    """Return what is wrong with predictions, and their metric where they have the right form.

    Args:
        plan: the call's header.
        outputs: OUTPUT descriptions as answered.
        tensors: the answered tensors by wire name.
        metric: of predictions and withheld targets.
        withheld: the targets of the hidden inputs.
    """
    spec = plan["behaviour"]
    shape, dtype = tuple(spec["form"]["shape"]), getattr(torch, spec["form"]["dtype"])
    got = tensors.get("out.0")
    # the form alone is compared: whole numbers with themselves, floating ones with anything finite.
    same = got is not None and not got.is_floating_point() and tuple(got.shape) == shape
    target = Target(got if same and got is not None else torch.zeros(shape, dtype=_wide(dtype)), dtype, float("inf"), float("inf"))
    if (finding := examine(plan, outputs, [], tensors, {"out.0": target}, {})) is not None or got is None:
        return finding, None
    value = metric_value(metric, got, withheld)
    if value != value:
        return Finding(Verdict.NOT_FINITE, f"{spec['unit']} of these predictions is not a number"), None
    share = share_of(spec["bands"], value)
    if share == 1.0:
        return None, value
    said = f"{spec['unit']} {value:.4g}, expected {asked(spec)}"
    if share:
        said += f"; it earns {share:.0%} of the points"
    elif got.numel() > 1 and bool((got == got[:1]).all()):
        said += "; all predictions are equal"
    return Finding(Verdict.WRONG_VALUE, said, share=share), value


def metric_value(metric: Callable[..., Any], predictions: torch.Tensor, withheld: Sequence[torch.Tensor]) -> float:
    """Return the metric as a number; floating predictions are widened to float64."""
    wide = [value.detach().to(_wide(value.dtype)) for value in (predictions, *withheld)]
    with torch.no_grad():
        return float(metric(*wide))


def share_of(bands: Sequence[Mapping[str, Any]], value: float) -> float:
    """Return the largest share of the bands that hold a value, 0 where none does."""
    return max((band["share"] for band in bands if _outside(band, value) == 0.0), default=0.0)


def distance(bands: Sequence[Mapping[str, Any]], value: float) -> float:
    """Return how far a value lies outside the nearest band that earns everything."""
    return min(_outside(band, value) for band in bands if band["share"] == 1.0)


def asked(spec: Mapping[str, Any]) -> str:
    """Return in words what earns all points, such as ``0.93 or more``."""
    return " or ".join(_band(band) for band in spec["bands"] if band["share"] == 1.0)


def _band(band: Mapping[str, Any]) -> str:
    low, high = band["low"], band["high"]
    if low is None:
        return f"{high:g} or less"
    return f"{low:g} or more" if high is None else f"{low:g} to {high:g}"


def _outside(band: Mapping[str, Any], value: float) -> float:
    # written so that NaN is outside.
    below = 0.0 if band["low"] is None or value >= band["low"] else band["low"] - value
    above = 0.0 if band["high"] is None or value <= band["high"] else value - band["high"]
    return max(below, above) if value == value else float("inf")


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype.is_floating_point else dtype
