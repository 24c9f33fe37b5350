"""What is held against a fixture: each complaint is seen once, and a clean outcome has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.attack.fixture import Fixture
from autograder.attack.leaks import forms, found, outputs_of, seeds_of
from autograder.attack.outcome import hold
from autograder.exercise.assignment import load_assignment
from autograder.exercise.seeds import SeedSource
from vislab.check.verdict import OBSERVED_FAMILIES, Family

RANGE = Path(__file__).resolve().parent.parent / "attacks" / "range" / "r1_range"
EXERCISES = {name: exercise for name, exercise in load_assignment(RANGE).exercises.items() if name in ("range.centre", "range.double")}


def ledger(centre: dict[str, float], double: float = 0.0, verdict: str = "WRONG_VALUE", status: str = "GRADED") -> dict[str, Any]:
    def entry(name: str, earned: dict[str, float], word: str) -> dict[str, Any]:
        observed = sum(points for family, points in earned.items() if family in OBSERVED_FAMILIES)
        points = {"points": sum(earned.values()), "proven_points": sum(earned.values()) - observed, "observed_points": observed}
        return {"name": name, "verdict": word, **points, "cases": [], "error": ""}

    words = ("OK" if double == 4.0 else "WRONG_VALUE", verdict)
    value = {"value": min(double, 3.0), "edge": max(0.0, double - 3.0)}
    return {"status": status, "exercises": [entry("range.centre", centre, words[1]), entry("range.double", value, words[0])]}


def fixture(kind: str = "promise", **options: Any) -> Fixture:
    told = {"verdicts": {"range.centre": "WRONG_VALUE"}, **options}
    return Fixture(Path("channel/wrong_value-thing"), kind, "title", "aim", {"base": "wrong"}, **told)


def complaints(one: Fixture, book: dict[str, Any] | None, **more: Any) -> list[str]:
    return hold(one, EXERCISES, book, **more).complaints


def test_an_attack_that_gains_nothing_is_clean() -> None:
    assert complaints(fixture(), ledger({})) == []


def test_points_above_the_control_are_a_gain() -> None:
    assert complaints(fixture(), ledger({"value": 1.0})) == ["gained: range.centre has 1 proven points, at most 0 are allowed"]


def test_points_of_another_exercise_are_a_gain_too() -> None:
    assert complaints(fixture(), ledger({}, double=3.0)) == ["gained: range.double has 3 proven points, at most 0 are allowed"]


def test_observed_points_of_a_promise_are_no_proof_of_anything() -> None:
    assert complaints(fixture(), ledger({"purity": 0.5})) == []


def test_families_that_are_rightly_earned_are_no_gain_and_others_are() -> None:
    partly = fixture(earns=(Family.VALUE,))
    assert complaints(partly, ledger({"value": 4.0})) == []
    assert complaints(partly, ledger({"value": 4.0, "gradient": 1.0}))[0].startswith("gained: range.centre has 5 proven points")


def test_an_unharmed_neighbour_must_keep_its_points() -> None:
    one = fixture(unharmed=("range.double",))
    assert complaints(one, ledger({}, double=4.0)) == []
    assert complaints(one, ledger({}, double=3.0))[0].startswith("unexpected: range.double must keep its points and has 3")


@pytest.mark.parametrize(
    ("book", "more", "told"),
    [
        (ledger({}, verdict="OK"), {}, "unexpected: range.centre is OK, expected WRONG_VALUE"),
        (ledger({}, status="GRADER_ERROR"), {}, "unexpected: the notebook is GRADER_ERROR, expected GRADED"),
        (None, {"refused": True}, "unexpected: the notebook is REFUSED, expected GRADED"),
        (ledger({}), {"leaked": ["course secret in the feedback"]}, "leaked: course secret in the feedback"),
        (ledger({}), {"left": ["1 processes outlived their sandbox"]}, "left behind: 1 processes outlived their sandbox"),
    ],
)
def test_every_complaint_is_made(book: dict[str, Any] | None, more: dict[str, Any], told: str) -> None:
    assert told in complaints(fixture(), book, **more)


def test_a_note_that_intake_did_not_tell_is_missed() -> None:
    assert complaints(fixture(notes=("duplicate",)), ledger({})) == ["unexpected: intake did not tell 'duplicate'; it told []"]
    assert complaints(fixture(notes=("duplicate",)), ledger({}), notes=["duplicate"]) == []


def test_a_control_loses_nothing_and_a_lost_point_is_seen() -> None:
    full = {"value": 4.0, "gradient": 2.0, "stability": 1.0, "dtype": 1.0, "edge": 1.0, "purity": 0.5, "rule": 0.5}
    one = fixture("control", verdicts={})
    assert complaints(one, ledger(full, double=4.0, verdict="OK")) == []
    assert complaints(one, ledger({**full, "purity": 0.0}, double=4.0, verdict="OK"))[0].startswith(
        "lost: range.centre has 9.5 of 10 points"
    )


def test_evading_means_that_nothing_was_seen() -> None:
    one = fixture("observed", verdicts={"range.centre": "RULE"})
    assert not hold(one, EXERCISES, ledger({"value": 4.0, "purity": 0.5}, verdict="RULE")).evaded
    assert hold(one, EXERCISES, ledger({"value": 4.0, "purity": 0.5, "rule": 0.5}, verdict="RULE")).evaded


def test_canaries_are_found_in_every_spelling() -> None:
    value = b"0123456789abcdef-canary"
    for spelling in forms(value):
        assert found({"file": b"xx" + spelling + b"yy"}, {"secret": forms(value)}) == ["secret in file"]
    assert found({"file": b"nothing"}, {"secret": forms(value)}) == []


def test_seeds_and_reference_outputs_are_searched_for() -> None:
    seeds = SeedSource(b"s" * 32, "submission")
    names = dict(seeds_of(EXERCISES, seeds))
    assert len(names) == sum(len(list(exercise.cases())) for exercise in EXERCISES.values())
    outputs = list(outputs_of(EXERCISES["range.centre"], seeds))
    assert any("many rows" in what for what, _ in outputs) and not any("three rows" in what for what, _ in outputs)
    # what a student prints of a right answer is recognised.
    exercise = EXERCISES["range.centre"]
    case = next(case for case in exercise.cases() if case.name == "many rows")
    answer = exercise.reference(*case.inputs(seeds.case_seed(exercise.name, case.name)).args).float()
    needles: dict[str, tuple[bytes, ...]] = {}
    for what, value in outputs:
        needles[what] = (*needles.get(what, ()), value)
    assert found({"dump": answer.numpy().tobytes()}, needles) and found({"print": str(answer.tolist()).encode()}, needles)
