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
from vislab.check.compare import Target, compare
from vislab.check.examine import without_guards

log = logging.getLogger(__name__)


def named_wrong_term(
    exercise: Exercise, case: Case, plan: CallPlan, answered: Mapping[str, torch.Tensor], expected: Expected
) -> str | None:
    """Return the name of the exercise's diagnosis whose output the answer equals, or None.

    The diagnosis must equal the answer up to its first wrong output. Later ones may be wrong for the same reason, or for another.

    Args:
        exercise: its ``diagnoses`` are wrong references with the reference's signature. One that returns fewer outputs than
            the exercise has says nothing about those that are missing.
        case: the case that failed.
        plan: what was sent.
        answered: what came back, by wire name; of a step all parameters.
        expected: what was expected; a diagnosis that does not differ from it on this case names nothing.
    """
    if isinstance(exercise.probe, StepProbe):
        return step_looks_like(exercise.diagnoses, plan, answered, expected)
    places = _up_to_the_first_wrong(exercise, plan, answered, expected) if exercise.diagnoses else []
    if not places:
        return None
    args = [_wide(plan.tensors[spec["tensor"]]) if "tensor" in spec else spec["value"] for spec in plan.header["args"]]
    kwargs = {name: _wide(plan.tensors[s["tensor"]]) if "tensor" in s else s["value"] for name, s in plan.header["kwargs"].items()}
    if isinstance(exercise.probe, ModuleProbe):
        weights = {name: _wide(plan.tensors[key]) for name, key in plan.header["weights"].items()}
        kwargs = {**kwargs, **plan.header["init"], "weights": weights}
    for name, wrong in exercise.diagnoses.items():
        try:
            with torch.no_grad():
                guesses = wrong(*args, **kwargs)
            guesses = guesses if isinstance(guesses, (tuple, list)) else (guesses,)
            wide = [guesses[place].to(torch.float64) for place in range(len(places))]
        except Exception as error:  # a diagnosis that does not apply to these inputs names nothing
            log.debug("diagnosis %r of %s on case %r: %s", name, exercise.name, case.name, error)
            continue
        if all(_equals(guess, got, target) for guess, (got, target) in zip(wide, places)) and _differs(wide[-1], places[-1][1]):
            return name
    return None


def _up_to_the_first_wrong(
    exercise: Exercise, plan: CallPlan, answered: Mapping[str, torch.Tensor], expected: Expected
) -> list[tuple[torch.Tensor, Target]]:
    """Return answers and targets of the outputs up to the first that is wrong; nothing where all are right or one is missing."""
    places = []
    for place in range(sum(name.startswith("out.") for name in expected.targets)):
        target, got = expected.targets[f"out.{place}"], answered.get(f"out.{place}")
        if got is None:
            return []
        if isinstance(exercise.probe, KernelProbe):
            got, _ = without_guards(got, plan.header["launch"]["outputs"][place]["guard_rows"])
        places.append((got, target))
        if compare(got, target) is not None:
            return places
    return []


def _equals(guess: torch.Tensor, got: torch.Tensor, target: Target) -> bool:
    if guess.shape != got.shape or not bool(torch.isfinite(guess).all()):
        return False
    return guess.numel() == 0 or float((guess - got.to(torch.float64)).abs().max()) <= _slack(target)


def _differs(guess: torch.Tensor, target: Target) -> bool:
    value = target.value.to(torch.float64)
    return guess.shape == value.shape and guess.numel() > 0 and float((guess - value).abs().max()) > 4 * _slack(target)


def _slack(target: Target) -> float:
    return 10.0 * target.atol + 1e-12


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.is_floating_point() else tensor
