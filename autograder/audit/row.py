"""One row of the audit, and what every kind of exercise is asked: right answers keep their marks, wrong ones lose them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from autograder.audit.answers import Answer
from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score
from vislab.check.verdict import Verdict

MUTANTS_MIN, ACCEPTED_MIN = 4, 2
# from an answer to its record under each secret.
Judged = Callable[[Answer], list[CheckRecord]]


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


def opened(
    exercise: Exercise, mutants: Sequence[Answer], accepted: Sequence[Answer], secrets: int
) -> tuple[ExerciseAudit, list[SeedSource]]:
    """Begin an audit: return its row, and a source of seeds for each secret."""
    families = Counter(str(case.family) for case in exercise.cases())
    row = ExerciseAudit(exercise.name, dict(families), len(mutants), 0, len(accepted), 0)
    sources = [SeedSource(hashlib.sha256(f"audit secret {i}".encode()).digest(), f"audit {exercise.name}") for i in range(secrets)]
    return row, sources


def audit_lesson(exercise: Exercise, judged: Judged, solution: Answer, stub: Answer, row: ExerciseAudit) -> None:
    """Look whether the lesson's solution has full points and its untouched stub none."""
    row.solution_full = audit_full(exercise, judged(solution), row, "the lesson's solution")
    row.stub_score = max(score(exercise, record).earned for record in judged(stub))
    if row.stub_score > 0:
        row.faults.append(f"the untouched stub earns {row.stub_score:g} points; it must earn 0")


def audit_shipped(
    exercise: Exercise,
    judged: Judged,
    mutants: Sequence[Answer],
    accepted: Sequence[Answer],
    row: ExerciseAudit,
    few_mutants: str,
    accepted_word: str,
) -> None:
    """Look whether every shipped mutant loses points and every accepted answer keeps them, and whether there are enough of both.

    Args:
        judged: from an answer to its record under each secret.
        few_mutants: what is said after their number when there are too few mutants.
        accepted_word: what one accepted answer is called.
    """
    for answer in mutants:
        audit_mutant(exercise, answer, judged(answer), row)
    for answer in accepted:
        row.accepted_kept += audit_full(exercise, judged(answer), row, f"{accepted_word} {answer.name!r}")
    if row.mutants < MUTANTS_MIN:
        row.faults.append(f"{row.mutants} {few_mutants}; at least {MUTANTS_MIN} are needed")
    if row.accepted < ACCEPTED_MIN:
        plural = accepted_word if accepted_word.endswith("s") else f"{accepted_word}s"
        row.faults.append(f"{row.accepted} {plural} are shipped; at least {ACCEPTED_MIN} are needed")


def audit_full(exercise: Exercise, records: Sequence[CheckRecord], row: ExerciseAudit, what: str) -> bool:
    """Return whether an answer keeps full points under every secret; note a fault where it does not."""
    for number, record in enumerate(records):
        scored = score(exercise, record)
        if scored.earned < exercise.points_total - 1e-9:
            wrong = [f"{case.name!r}: {case.verdict} {case.text}" for case in record.cases if case.verdict is not Verdict.OK]
            evidence = wrong or [f"observed {record.observed}"]
            row.faults.append(
                f"{what} loses points under secret {number} ({scored.earned:g} of {exercise.points_total:g}): {'; '.join(evidence[:3])}"
            )
            return False
    return True


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
