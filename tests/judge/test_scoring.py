"""From judged cases to points: partial credit, the gate, and what observation may cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from judged_exercises import EXERCISES, Double

from autograder.judge.records import CaseRecord, CheckRecord, Ending, Observation
from autograder.judge.scoring import ExerciseScore, score
from vislab.check.verdict import PRECEDENCE, Family, Verdict, first_by_precedence

EXERCISE = Double()
ALL = [case.name for case in EXERCISE.cases()]
VALUE = ["three rows", "one row", "hidden rows", "more hidden rows"]


def record(right: list[str], observed: Observation = Observation(), wrong: Verdict = Verdict.WRONG_VALUE) -> CheckRecord:  # noqa: B008
    cases = [
        CaseRecord(case.name, case.family, Verdict.OK if case.name in right else wrong, "", "", True, case.public)
        for case in EXERCISE.cases()
    ]
    return CheckRecord(EXERCISE.name, Ending.COMPLETE, cases, observed)


def earned(scored: ExerciseScore) -> dict[str, float]:
    return {str(family.family): family.earned for family in scored.families}


FULL = {"value": 4.0, "gradient": 2.0, "edge": 2.0, "dtype": 1.0, "purity": 0.5, "rule": 0.5}
NOTHING = dict.fromkeys(FULL, 0.0)


def test_a_right_answer_earns_everything() -> None:
    scored = score(EXERCISE, record(ALL))
    assert earned(scored) == FULL and scored.verdict is Verdict.OK
    assert (scored.earned, scored.proven, scored.observed) == (10.0, 9.0, 1.0)
    assert not any(family.gated for family in scored.families)


@pytest.mark.parametrize(
    ("right", "points"),
    [
        ([name for name in ALL if name != "gradient"], {**FULL, "gradient": 0.0}),
        ([name for name in ALL if name != "no rows"], {**FULL, "edge": 1.0}),
        ([name for name in ALL if name != "hidden rows"], {**FULL, "value": 3.0}),
        (VALUE, {**NOTHING, "value": 4.0, "purity": 0.5, "rule": 0.5}),
        # half of the value cases open the gate.
        (["three rows", "hidden rows", "gradient", "no rows"], {**FULL, "value": 2.0, "edge": 1.0, "dtype": 0.0}),
        # less than half do not, and the others count for nothing.
        (["hidden rows", "gradient", "no rows", "one number", "float64"], {**NOTHING, "value": 1.0}),
        (["gradient", "no rows", "one number", "float64"], NOTHING),
        # public cases alone prove nothing: their answers lie in the release.
        (["three rows", "one row"], NOTHING),
        (["three rows", "one row", "gradient", "no rows", "one number", "float64"], NOTHING),
        (["three rows", "one row", "hidden rows"], {**NOTHING, "value": 3.0, "purity": 0.5, "rule": 0.5}),
        ([], NOTHING),
    ],
)
def test_partial_credit_by_family(right: list[str], points: dict[str, float]) -> None:
    scored = score(EXERCISE, record(right))
    assert earned(scored) == points
    assert scored.earned == pytest.approx(sum(points.values())) and scored.proven + scored.observed == pytest.approx(scored.earned)


def test_withheld_points_are_marked() -> None:
    closed = {str(family.family): family.gated for family in score(EXERCISE, record(["gradient", "no rows"])).families}
    assert closed == {"value": False, "gradient": True, "edge": True, "dtype": False, "purity": True, "rule": True}
    learnt = {str(family.family): family.gated for family in score(EXERCISE, record(["three rows", "one row", "no rows"])).families}
    assert learnt["value"] and learnt["edge"]


@pytest.mark.parametrize(
    ("observed", "lost", "verdict"),
    [
        (Observation(mutated=True), {"purity"}, Verdict.MUTATED_INPUT),
        (Observation(rng_moved=True), {"purity"}, Verdict.MUTATED_INPUT),
        (Observation(forbidden=("torch.multiply",)), {"rule"}, Verdict.RULE),
        (Observation(tripped=("vislab.x",)), {"rule"}, Verdict.RULE),
        (Observation(True, True, ("torch.multiply",), ("vislab.x",)), {"purity", "rule"}, Verdict.RULE),
    ],
)
def test_evidence_costs_the_observed_points_and_names_the_exercise(observed: Observation, lost: set[str], verdict: Verdict) -> None:
    scored = score(EXERCISE, record(ALL, observed))
    assert earned(scored) == {**FULL, **dict.fromkeys(lost, 0.0)}
    assert scored.verdict is verdict and scored.proven == 9.0


def test_observed_points_are_not_to_be_had_alone() -> None:
    for ending in Ending:
        stub = replace(record([], wrong=Verdict.NOT_ATTEMPTED), ending=ending)
        assert score(EXERCISE, stub).earned == 0.0
    assert score(EXERCISE, CheckRecord(EXERCISE.name, Ending.ABSENT)).earned == 0.0


def test_evidence_counts_although_no_value_is_right() -> None:
    scored = score(EXERCISE, record([], Observation(mutated=True)))
    purity = next(family for family in scored.families if family.family is Family.PURITY)
    assert (purity.passed, purity.total, purity.earned) == (0, 1, 0.0)


@pytest.mark.parametrize("grave", [verdict for verdict in PRECEDENCE if verdict is not Verdict.OK])
def test_the_gravest_case_names_the_exercise(grave: Verdict) -> None:
    lighter = [verdict for verdict in PRECEDENCE[PRECEDENCE.index(grave) + 1 :]]
    for light in lighter:
        cases = [CaseRecord("a", Family.VALUE, light), CaseRecord("b", Family.VALUE, grave), CaseRecord("c", Family.EDGE, Verdict.OK)]
        assert score(EXERCISE, CheckRecord(EXERCISE.name, Ending.COMPLETE, cases)).verdict is grave


def test_precedence_is_the_documented_order() -> None:
    order = (
        "GRADER_ERROR UNREADABLE MEMORY_LIMIT TIME_LIMIT OUTPUT_LIMIT RUNTIME_ERROR RULE MUTATED_INPUT WRONG_TYPE WRONG_SHAPE WRONG_DTYPE"
        " NOT_FINITE WRONG_VALUE WRONG_GRADIENT NOT_ATTEMPTED OK"
    )
    assert [str(verdict) for verdict in PRECEDENCE] == order.split()
    assert first_by_precedence([]) is Verdict.OK
    assert first_by_precedence([Verdict.OK, Verdict.WRONG_VALUE, Verdict.RULE]) is Verdict.RULE


def test_points_do_not_depend_on_the_order_of_summation() -> None:
    class Thirds(Double):
        points = {"value": 0.1, "gradient": 0.7, "edge": 0.2, "dtype": 1 / 3}

    scored = score(Thirds(), record([name for name in ALL if name not in ("no rows", "one row")]))
    assert earned(scored) == {"value": 0.075, "gradient": 0.7, "edge": 0.1, "dtype": 0.333333}
    assert scored.earned == 1.208333


def test_a_behaviour_family_opens_the_gate_as_well() -> None:
    class Trained(Double):
        points = {"behaviour": 3.0, "edge": 1.0}

    def cases(right: bool, public: bool) -> CheckRecord:
        verdict = Verdict.OK if right else Verdict.WRONG_VALUE
        trained = CaseRecord("band", Family.BEHAVIOUR, verdict, public=public)
        return CheckRecord("toy.double", Ending.COMPLETE, [trained, CaseRecord("e", Family.EDGE, Verdict.OK)])

    assert score(Trained(), cases(True, False)).earned == 4.0
    assert score(Trained(), cases(False, False)).earned == 0.0 == score(Trained(), cases(True, True)).earned


def test_every_toy_exercise_is_sound() -> None:
    for exercise in EXERCISES.values():
        exercise.validate()
