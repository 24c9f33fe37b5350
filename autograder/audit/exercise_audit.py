"""Audit one exercise: its reference, its solution and stub, its mutants and accepted answers, over several course secrets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from autograder.audit.answers import Answer, CheckCall, load_answer
from autograder.audit.row import ExerciseAudit, audit_lesson, audit_shipped, opened
from autograder.audit.training import training_faults
from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import oracle_outputs, reference_outputs
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord
from autograder.judge.session import CheckSession, Prepared
from vislab.check.verdict import Family

ORACLE_TOLERANCE = 1e-9
CASE_S = 20.0
# an answer that differs by this share of how much the answers spread is told apart, or the case tells little.
LOOSE_SHARE = 0.02
# each secret trains every answer anew: one in so many of the others', and no more than three.
TRAINING_SHARE, TRAINING_SECRETS_MAX = 7, 3


def audit_exercise(
    exercise: Exercise, call: CheckCall, solution: Answer, stub: Answer, mutants: Sequence[Answer], accepted: Sequence[Answer], secrets: int
) -> ExerciseAudit:
    """Audit one exercise.

    Args:
        exercise: audited.
        call: what its check cell hands in.
        solution, stub: from its lesson.
        mutants, accepted: shipped beside it.
        secrets: over how many course secrets, since cases are redrawn for every submission; for a training one in
            ``TRAINING_SHARE``, at most ``TRAINING_SECRETS_MAX``.
    """
    if isinstance(exercise.probe, BehaviourProbe):
        secrets = min(math.ceil(secrets / TRAINING_SHARE), TRAINING_SECRETS_MAX)
    row, sources = opened(exercise, mutants, accepted, secrets)
    prepared: list[dict[str, Prepared]] = [{} for _ in sources]

    def judged(answer: Answer) -> list[CheckRecord]:
        value, extras = load_answer(answer, call)
        exchange = LocalExchange(value, extras)
        return [CheckSession(exercise, seeds, CASE_S, prepared=known).run(exchange) for seeds, known in zip(sources, prepared)]

    if isinstance(exercise.probe, BehaviourProbe):
        row.faults += training_faults(exercise, exercise.probe, sources)
    else:
        _audit_oracle(exercise, sources, row)
    audit_lesson(exercise, judged, solution, stub, row)
    row.faults += loose_tolerances(exercise, prepared[0]) if prepared else []
    audit_shipped(exercise, judged, mutants, accepted, row, "mutants are shipped", "accepted answer")
    return row


def loose_tolerances(exercise: Exercise, prepared: Mapping[str, Prepared]) -> list[str]:
    """Name the value and gradient cases whose derived tolerance is so wide that wrong answers fit into it.

    The tolerance is derived by moving every input by its own rounding. A reference that jumps there (an index or a label that came as a
    float and is truncated, a comparison for equality) errs by whole values, and everything passes.
    """
    found = []
    for case in exercise.cases():
        if case.family not in (Family.VALUE, Family.GRADIENT) or case.name not in prepared or case.dtype not in ("float32", "float64"):
            continue
        for name, target in prepared[case.name][1].targets.items():
            values = target.value[torch.isfinite(target.value)] if target.value.is_floating_point() else target.value.new_zeros(0)
            spread = float(values.std()) if values.numel() > 1 else 0.0
            if spread > 0 and target.atol > LOOSE_SHARE * spread:
                found.append(
                    f"case {case.name!r} allows an error of {target.atol:.2g} in {name}, whose values spread by {spread:.2g}: the reference"
                    " jumps when its inputs move by their own rounding; round what is an index, or draw inputs away from the jump"
                )
    return found


def _audit_oracle(exercise: Exercise, sources: Sequence[SeedSource], row: ExerciseAudit) -> None:
    for seeds in sources:
        for case in exercise.cases():
            if case.raises is not None:
                continue
            inputs = case.inputs(seeds.case_seed(exercise.name, case.name))
            oracle = oracle_outputs(exercise, inputs)
            if oracle is None:
                continue
            if seeds is sources[0]:
                row.oracle_cases += 1
            for expected, independent in zip(reference_outputs(exercise, inputs), oracle, strict=True):
                row.oracle_error = max(row.oracle_error or 0.0, _distance(expected, independent))
    if row.oracle_cases == 0:
        row.faults.append("the reference is held against no independent oracle; define oracle() for at least one case")
    elif row.oracle_error is not None and not row.oracle_error <= ORACLE_TOLERANCE:
        row.faults.append(f"reference and oracle differ by {row.oracle_error:.2g} (relative); at most {ORACLE_TOLERANCE:g} is allowed")


def _distance(expected: torch.Tensor, independent: torch.Tensor) -> float:
    if expected.shape != independent.shape:
        return float("inf")
    if expected.numel() == 0:
        return 0.0
    first, second = expected.to(torch.float64), independent.to(torch.float64)
    same = (first == second) | (torch.isnan(first) & torch.isnan(second))
    if bool(same.all()):
        return 0.0
    difference = torch.where(same, 0.0, (first - second).abs())
    scale = max(1.0, float(first[torch.isfinite(first)].abs().max())) if bool(torch.isfinite(first).any()) else 1.0
    largest = float(difference.max())
    return largest / scale if largest == largest else float("inf")
