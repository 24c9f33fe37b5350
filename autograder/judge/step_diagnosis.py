"""Try an exercise's own named mistakes on a wrong training step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch

from autograder.exercise.expected import Expected
from autograder.exercise.plan import CallPlan
from autograder.exercise.step_plan import taken

log = logging.getLogger(__name__)


def step_looks_like(
    mistakes: Mapping[str, Callable[..., Any]], plan: CallPlan, answered: Mapping[str, torch.Tensor], expected: Expected
) -> str | None:
    """Return the name of the mistake that leaves the very parameters and buffers that came back, or None.

    Args:
        mistakes: name to a step with the student's signature.
        plan: what was sent.
        answered: what came back, by wire name.
        expected: what was expected; a mistake that does not differ from it on this case names nothing.
    """
    tensors = {name: _wide(value) for name, value in plan.tensors.items()}
    args = [tensors[spec["tensor"]] if "tensor" in spec else spec["value"] for spec in plan.header["args"]]
    kwargs = {name: tensors[spec["tensor"]] if "tensor" in spec else spec["value"] for name, spec in plan.header["kwargs"].items()}
    spec = plan.header["step"]
    sources = {f"after.{net['name']}.{key}": source for net in spec["nets"] for key, source in net["state"].items()}
    for name, mistake in mistakes.items():
        try:
            left = taken(spec, tensors, [_copied(value) for value in args], {k: _copied(v) for k, v in kwargs.items()}, mistake)
        except Exception as error:  # a mistake that does not apply to this case names nothing
            log.debug("diagnosis %r: %s", name, error)
            continue
        if left is None:
            continue
        differs = False
        for label, source in sources.items():
            target, got, guess = expected.targets[label], answered.get(label), left[label] + tensors[source]
            slack = 10.0 * target.atol + 1e-12
            if got is None or got.shape != guess.shape or not _apart(guess, got) <= slack:
                break
            differs |= _apart(guess, target.value) > 4 * slack
        else:
            if differs:
                return name
    return None


def _apart(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first - second.to(first.dtype)).abs().max()) if first.numel() else 0.0


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.is_floating_point() else tensor


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value
