"""What the audit asks of a training exercise in place of an oracle: guessing earns nothing, and no predictions break the metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from vislab.check.behaviour import metric_value


def training_faults(exercise: Exercise, probe: BehaviourProbe, sources: Sequence[SeedSource]) -> list[str]:
    """Return what is wrong, in sentences.

    Args:
        exercise: audited.
        probe: its own.
        sources: of the secrets under which its cases are drawn.
    """
    faults: dict[str, None] = {}
    for seeds in sources:
        for case in exercise.cases():
            inputs = case.inputs(seeds.case_seed(exercise.name, case.name))
            guess = exercise.baseline(*inputs.args, **inputs.kwargs)
            if share := probe.share(guess, inputs.withheld):
                faults[f"case {case.name!r}: the baseline earns {share:.0%} of the points; narrow the bands"] = None
            for what, predictions in _extremes(guess, case.torch_dtype):
                try:
                    value = metric_value(probe.metric, predictions, inputs.withheld)
                except Exception as error:
                    text = f"case {case.name!r}: the metric raises {type(error).__name__} for predictions that are all {what}"
                    faults[f"{text}; it must give a number for any"] = None
                    continue
                if probe.share(predictions, inputs.withheld) > 0:
                    faults[f"case {case.name!r}: predictions that are all {what} earn points ({probe.unit} {value:.4g})"] = None
    return list(faults)


def _extremes(guess: torch.Tensor, dtype: torch.dtype) -> Iterator[tuple[str, torch.Tensor]]:
    if guess.is_floating_point():
        for number in (0.0, 1.0, torch.finfo(dtype).max, torch.finfo(dtype).min):
            yield f"{number:g}", torch.full_like(guess, number)
    elif guess.dtype is torch.bool:
        for flag in (False, True):
            yield str(flag), torch.full_like(guess, flag)
    else:
        for whole in (0, 1, torch.iinfo(guess.dtype).max, torch.iinfo(guess.dtype).min):
            yield str(whole), torch.full_like(guess, whole)
