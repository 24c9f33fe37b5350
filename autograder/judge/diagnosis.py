"""Try an exercise's own named wrong terms on a wrong answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch

from autograder.exercise.case import Case
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import Expected
from autograder.exercise.plan import CallPlan
from autograder.exercise.probe import KernelProbe, ModuleProbe
from autograder.exercise.step import StepProbe
from autograder.judge.step_diagnosis import step_looks_like
from vislab.check.examine import without_guards

log = logging.getLogger(__name__)


def named_wrong_term(
    exercise: Exercise, case: Case, plan: CallPlan, answered: Mapping[str, torch.Tensor], expected: Expected
) -> str | None:
    """Return the name of the exercise's diagnosis whose output the answer equals, or None.

    Args:
        exercise: its ``diagnoses`` are wrong references with the reference's signature.
        case: the case that failed.
        plan: what was sent.
        answered: what came back, by wire name; only ``out.0`` is looked at, of a step all parameters.
        expected: what was expected; a diagnosis that does not differ from it on this case names nothing.
    """
    if isinstance(exercise.probe, StepProbe):
        return step_looks_like(exercise.diagnoses, plan, answered, expected)
    target, got = expected.targets.get("out.0"), answered.get("out.0")
    if target is None or got is None or not exercise.diagnoses:
        return None
    if isinstance(exercise.probe, KernelProbe):
        got, _ = without_guards(got, plan.header["launch"]["outputs"][0]["guard_rows"])
    args = [_wide(plan.tensors[spec["tensor"]]) if "tensor" in spec else spec["value"] for spec in plan.header["args"]]
    kwargs = {name: _wide(plan.tensors[s["tensor"]]) if "tensor" in s else s["value"] for name, s in plan.header["kwargs"].items()}
    if isinstance(exercise.probe, ModuleProbe):
        weights = {name: _wide(plan.tensors[key]) for name, key in plan.header["weights"].items()}
        kwargs = {**kwargs, **plan.header["init"], "weights": weights}
    slack = 10.0 * target.atol + 1e-12
    value, answer = target.value.to(torch.float64), got.to(torch.float64)
    for name, wrong in exercise.diagnoses.items():
        try:
            with torch.no_grad():
                guess = wrong(*args, **kwargs)
            guess = (guess[0] if isinstance(guess, (tuple, list)) else guess).to(torch.float64)
        except Exception as error:  # a diagnosis that does not apply to these inputs names nothing
            log.debug("diagnosis %r of %s on case %r: %s", name, exercise.name, case.name, error)
            continue
        if guess.shape != answer.shape or guess.shape != value.shape or guess.numel() == 0 or not bool(torch.isfinite(guess).all()):
            continue
        if float((guess - value).abs().max()) > 4 * slack and float((guess - answer).abs().max()) <= slack:
            return name
    return None


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.is_floating_point() else tensor
