"""From judged cases to points, by family.

Value (or behaviour) points are earned by the share of cases that are right, a training in a lower band counting in part, once a hidden one
is: the answers of public cases lie in the
release. The other families count only beside an answer that is mostly right: a constant or a stub that happens to be finite and of the
right shape earns nothing by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograder.exercise.exercise import Exercise
from autograder.judge.records import CaseRecord, CheckRecord, Ending
from vislab.check.verdict import OBSERVED_FAMILIES, Family, Verdict, first_by_precedence

GATE_SHARE = 0.5
GATES = (Family.VALUE, Family.BEHAVIOUR)


@dataclass(frozen=True)
class FamilyScore:
    """Points of one family.

    Args:
        family: which.
        earned: points.
        maximum: points.
        passed: right cases; for an observed family, calls without evidence against them (1) or with (0).
        total: cases.
        gated: whether points were withheld because fewer than half of the value cases are right, or none of the hidden ones.
    """

    family: Family
    earned: float
    maximum: float
    passed: int
    total: int
    gated: bool = False

    @property
    def proven(self) -> bool:
        return self.family not in OBSERVED_FAMILIES


@dataclass(frozen=True)
class ExerciseScore:
    """Points and verdict of one exercise."""

    verdict: Verdict
    families: tuple[FamilyScore, ...]

    @property
    def earned(self) -> float:
        return _rounded(sum(family.earned for family in self.families))

    @property
    def proven(self) -> float:
        return _rounded(sum(family.earned for family in self.families if family.proven))

    @property
    def observed(self) -> float:
        return _rounded(sum(family.earned for family in self.families if not family.proven))


def score(exercise: Exercise, record: CheckRecord) -> ExerciseScore:
    """Turn a check's record into points.

    Args:
        exercise: whose points by family apply.
        record: of the same exercise.
    """
    shares = {family: _share(record, family) for family in exercise.points_by_family if family not in OBSERVED_FAMILIES}
    gate = max((right / total for family, (right, total) in shares.items() if family in GATES and total), default=0.0)
    knows = any(case.family in GATES and not case.public and _right(case) > 0 for case in record.cases)
    open_gate = knows and gate >= GATE_SHARE
    scores = []
    for family, maximum in exercise.points_by_family.items():
        if family in OBSERVED_FAMILIES:
            clean = record.ending is not Ending.ABSENT and _clean(record, family)
            earned = maximum if clean and open_gate else 0.0
            scores.append(FamilyScore(family, earned, maximum, int(clean), 1, gated=clean and not open_gate))
            continue
        right, total = shares[family]
        share = right / total if total else 0.0
        passed = sum(case.verdict is Verdict.OK for case in record.cases if case.family is family)
        gated = right > 0 and not (knows if family in GATES else open_gate)
        scores.append(FamilyScore(family, 0.0 if gated else _rounded(maximum * share), maximum, passed, total, gated))
    return ExerciseScore(_verdict(record), tuple(scores))


def _verdict(record: CheckRecord) -> Verdict:
    verdicts = [case.verdict for case in record.cases]
    if not _clean(record, Family.RULE):
        verdicts.append(Verdict.RULE)
    if not _clean(record, Family.PURITY):
        verdicts.append(Verdict.MUTATED_INPUT)
    return first_by_precedence(verdicts)


def _share(record: CheckRecord, family: Family) -> tuple[float, int]:
    cases = [case for case in record.cases if case.family is family]
    return sum(_right(case) for case in cases), len(cases)


def _right(case: CaseRecord) -> float:
    return 1.0 if case.verdict is Verdict.OK else case.share


def _clean(record: CheckRecord, family: Family) -> bool:
    observed = record.observed
    if family is Family.RULE:
        return not (observed.forbidden or observed.tripped or observed.over_budget)
    return not (observed.mutated or observed.rng_moved or observed.switched)


def _rounded(points: float) -> float:
    # binary fractions of points must not differ between two orders of summation.
    return round(points + 0.0, 6)
