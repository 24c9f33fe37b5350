"""What the audit asks of a training exercise in place of an oracle, and the metrics from which an author makes its bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.exercise import Exercise
from autograder.exercise.plan import make_plan
from autograder.exercise.seeds import SeedSource
from vislab.check.behaviour import judge_predictions, metric_value
from vislab.check.calls import carry_out


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


def trained_metrics(exercise: Exercise, answer: Callable[..., Any], sources: Sequence[SeedSource]) -> list[float]:
    """Train an author's own answer on every case under every secret, and return its metrics: what bands are made from.

    Args:
        exercise: with a ``BehaviourProbe``.
        answer: the function itself; runs in this process.
        sources: of the secrets, ten of them or more.

    Raises:
        TypeError: another probe.
        ValueError: predictions of another form than the baseline's.
    """
    probe = exercise.probe
    if not isinstance(probe, BehaviourProbe):
        raise TypeError(f"{exercise.name} has the probe {probe.kind}; metrics are of trainings")
    found = []
    for seeds in sources:
        for case in exercise.cases():
            inputs = case.inputs(seeds.case_seed(exercise.name, case.name))
            plan = make_plan(exercise, case, inputs, None, seeds.call_seed(exercise.name, case.name))
            given = carry_out(plan.header, plan.tensors, answer, {})
            finding, value = judge_predictions(plan.header, given.outputs, given.tensors, probe.metric, inputs.withheld)
            if value is None:
                raise ValueError(f"{exercise.name}, case {case.name!r}: {finding.text if finding else 'no metric'}")
            found.append(value)
    return found


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
