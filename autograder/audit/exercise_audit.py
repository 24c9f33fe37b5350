"""Audit one exercise: its reference, its solution and stub, its mutants and accepted answers, over several course secrets."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from autograder.audit.answers import Answer, CheckCall, load_answer
from autograder.audit.training import training_faults
from autograder.exercise.behaviour import BehaviourProbe
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import oracle_outputs, reference_outputs
from autograder.exercise.seeds import SeedSource
from autograder.judge.exchange import LocalExchange
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score
from autograder.judge.session import CheckSession, Prepared
from vislab.check.verdict import Family, Verdict

MUTANTS_MIN, ACCEPTED_MIN = 4, 2
ORACLE_TOLERANCE = 1e-9
CASE_S = 20.0
# an answer that differs by this share of how much the answers spread is told apart, or the case tells little.
LOOSE_SHARE = 0.02
# each secret trains every answer anew.
TRAINING_SECRETS_MAX = 3


@dataclass
class ExerciseAudit:
    """One row of the audit.

    Args:
        name: of the exercise.
        cases: number of cases by family.
        mutants, mutants_killed: shipped, and losing points under every secret.
        accepted, accepted_kept: shipped, and keeping full points under every secret.
        stub_score: the largest score of the untouched stub.
        solution_full: the lesson's solution has full points under every secret.
        oracle_error: largest relative distance between reference and oracle; None where the oracle covers no case, and for a training.
        oracle_cases: how many cases the oracle covered.
        seconds: of this audit.
        kills: mutant to the cases that reject it under every secret.
        thin: mutants that a single case rejects.
        faults: what is wrong, in sentences; empty when green.
    """

    name: str
    cases: dict[str, int]
    mutants: int = 0
    mutants_killed: int = 0
    accepted: int = 0
    accepted_kept: int = 0
    stub_score: float = 0.0
    solution_full: bool = False
    oracle_error: float | None = None
    oracle_cases: int = 0
    seconds: float = 0.0
    kills: dict[str, list[str]] = field(default_factory=dict)
    thin: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def audit_exercise(
    exercise: Exercise, call: CheckCall, solution: Answer, stub: Answer, mutants: Sequence[Answer], accepted: Sequence[Answer], secrets: int
) -> ExerciseAudit:
    """Audit one exercise.

    Args:
        exercise: audited.
        call: what its check cell hands in.
        solution, stub: from its lesson.
        mutants, accepted: shipped beside it.
        secrets: over how many course secrets, since cases are redrawn for every submission; for a training at most
            ``TRAINING_SECRETS_MAX``.
    """
    started_s = time.monotonic()
    families = Counter(str(case.family) for case in exercise.cases())
    row = ExerciseAudit(exercise.name, dict(families), len(mutants), 0, len(accepted), 0)
    if isinstance(exercise.probe, BehaviourProbe):
        secrets = min(secrets, TRAINING_SECRETS_MAX)
    sources = [SeedSource(hashlib.sha256(f"audit secret {i}".encode()).digest(), f"audit {exercise.name}") for i in range(secrets)]
    prepared: list[dict[str, Prepared]] = [{} for _ in sources]

    def judged(answer: Answer) -> list[CheckRecord]:
        value, extras = load_answer(answer, call)
        exchange = LocalExchange(value, extras)
        return [CheckSession(exercise, seeds, CASE_S, prepared=known).run(exchange) for seeds, known in zip(sources, prepared)]

    if isinstance(exercise.probe, BehaviourProbe):
        row.faults += training_faults(exercise, exercise.probe, sources)
    else:
        _audit_oracle(exercise, sources, row)
    audit_full(exercise, judged(solution), row, "the lesson's solution")
    row.solution_full = not any(fault.startswith("the lesson's solution") for fault in row.faults)
    row.faults += loose_tolerances(exercise, prepared[0]) if prepared else []
    row.stub_score = max(score(exercise, record).earned for record in judged(stub))
    if row.stub_score > 0:
        row.faults.append(f"the untouched stub earns {row.stub_score:g} points; it must earn 0")
    for answer in mutants:
        audit_mutant(exercise, answer, judged(answer), row)
    for answer in accepted:
        before = len(row.faults)
        audit_full(exercise, judged(answer), row, f"accepted answer {answer.name!r}")
        row.accepted_kept += len(row.faults) == before
    if row.mutants < MUTANTS_MIN:
        row.faults.append(f"{row.mutants} mutants are shipped; at least {MUTANTS_MIN} are needed")
    if row.accepted < ACCEPTED_MIN:
        row.faults.append(f"{row.accepted} accepted answers are shipped; at least {ACCEPTED_MIN} are needed")
    row.seconds = round(time.monotonic() - started_s, 2)
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


def audit_full(exercise: Exercise, records: Sequence[CheckRecord], row: ExerciseAudit, what: str) -> None:
    """Note a fault where an answer loses points under any secret."""
    for number, record in enumerate(records):
        scored = score(exercise, record)
        if scored.earned < exercise.points_total - 1e-9:
            wrong = [f"{case.name!r}: {case.verdict} {case.text}" for case in record.cases if case.verdict is not Verdict.OK]
            evidence = wrong or [f"observed {record.observed}"]
            row.faults.append(
                f"{what} loses points under secret {number} ({scored.earned:g} of {exercise.points_total:g}): {'; '.join(evidence[:3])}"
            )
            return


def audit_mutant(exercise: Exercise, answer: Answer, records: Sequence[CheckRecord], row: ExerciseAudit) -> None:
    """Count an answer that must lose, and note a fault where it does not."""
    survived = [number for number, record in enumerate(records) if score(exercise, record).earned >= exercise.points_total - 1e-9]
    killers = set.intersection(*({case.name for case in record.cases if case.verdict is not Verdict.OK} for record in records))
    row.kills[answer.name] = sorted(killers)
    if survived:
        row.faults.append(f"mutant {answer.name!r} keeps full points under {len(survived)} of {len(records)} secrets")
        return
    row.mutants_killed += 1
    if len(killers) == 1:
        row.thin.append(answer.name)


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
