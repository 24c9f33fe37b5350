"""Judge predictions on hidden inputs, whose targets lie with the judge alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import Expected
from autograder.exercise.plan import CallPlan
from vislab.check.behaviour import distance, judge_predictions, metric_value
from vislab.check.compare import Finding
from vislab.check.verdict import Verdict


def examine_predictions(
    exercise: Exercise,
    probe: BehaviourProbe,
    plan: CallPlan,
    outputs: Sequence[Mapping[str, Any]],
    tensors: Mapping[str, torch.Tensor],
    expected: Expected,
) -> Finding | None:
    """Return what is wrong with what a trained model predicts, or None.

    Args:
        exercise: whose baseline says what guessing gives.
        probe: its own.
        plan: what was sent.
        outputs: OUTPUT descriptions as answered.
        tensors: the answered tensors by wire name.
        expected: holds the withheld targets.
    """
    withheld = [target.value for target in expected.targets.values()]
    finding, value = judge_predictions(plan.header, outputs, tensors, probe.metric, withheld)
    if finding is None or finding.verdict is not Verdict.WRONG_VALUE or finding.share or value is None:
        return finding
    sent = [plan.tensors[spec["tensor"]] if "tensor" in spec else spec["value"] for spec in plan.header["args"]]
    guess = exercise.baseline(*[value.to(torch.float64) if _floating(value) else value for value in sent])
    bands = plan.header["behaviour"]["bands"]
    if distance(bands, value) >= distance(bands, metric_value(probe.metric, guess, withheld)):
        return replace(finding, text=f"{finding.text}; no better than a guess that has learnt nothing")
    return finding


def _floating(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()
