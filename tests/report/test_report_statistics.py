"""The figures of a class whose every failure is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_class import entry_of, ledger_of

from autograder.report.material import ClassMaterial, Submission
from autograder.report.statistics import diagnosis, figures_of


def test_an_exercise_is_counted(material: ClassMaterial) -> None:
    row = figures_of(material).rows[0]
    assert (row.graded, row.attempted, row.full, row.mean_share) == (10, 8, 4, pytest.approx((4 * 1 + 4 * 0.25) / 8))
    assert row.families == {"value": 0.5, "gradient": 0.0, "edge": 0.0} and row.worst_case == ("drawn", 4)
    assert row.verdicts == {"OK": 4, "WRONG_VALUE": 4, "NOT_ATTEMPTED": 1, "GRADER_ERROR": 1} and row.limits == 0


def test_public_cases_are_no_hidden_family(material: ClassMaterial) -> None:
    seen = Submission("seen", {"one": ledger_of(entry_of("shape.area", 3.0, {"shown": "no"}))})
    row = figures_of(replace(material, submissions=[seen])).rows[0]
    assert row.families == {"value": 0.0, "gradient": 0.0, "edge": 0.0} and row.worst_case is None


def test_wrong_answers_are_recognised_by_message_and_by_mutant(material: ClassMaterial) -> None:
    row = figures_of(material).rows[0]
    assert row.diagnoses == {"twice the area": 4} and row.mutants == {"y_up": 4}
    assert diagnosis("max error 3 (allowed 1e-4)") is None


def test_a_mutant_must_fail_the_very_same_cases(material: ClassMaterial) -> None:
    more = Submission("more", {"one": ledger_of(entry_of("shape.area", 0.0, {"drawn": "no", "slope": "no"}))})
    assert figures_of(replace(material, submissions=[more])).rows[0].mutants == {}


def test_discrimination_tells_whether_an_exercise_goes_with_the_rest(material: ClassMaterial) -> None:
    def each(number: int, with_the_rest: bool) -> Submission:
        good = number < 6
        extra = good if with_the_rest else not good
        entries = entry_of("shape.area", 4.0 * good, {}), entry_of("shape.extra", 2.0 * extra, {}, bonus=True)
        return Submission(f"s{number}", {"one": ledger_of(*entries)})

    for with_the_rest, expected in ((True, 1.0), (False, -1.0)):
        row = figures_of(replace(material, submissions=[each(number, with_the_rest) for number in range(12)])).rows[1]
        assert row.discrimination == pytest.approx(expected)
    few = figures_of(replace(material, submissions=[each(number, True) for number in range(4, 8)])).rows[1]
    assert few.discrimination is None


def test_what_is_not_graded_what_waits_and_what_was_changed(material: ClassMaterial) -> None:
    figures = figures_of(material)
    assert figures.ungraded == [("refused", "whole submission", "the folder holds a pipe"), ("broken", "one", "<b>disk</b> full")]
    assert figures.waiting == [("s1", 1)] and figures.again == [("broken", "one", 2)] and figures.repairs == {"renamed": 1}
    assert figures.changed == [("<script>alert(1)</script>", "one", "check-shape-area", 4.0, 1.0)]
    assert figures.points_max == 4.0 and len(figures.scores) == 10 and sorted(figures.run_s) == [2.0] * 9 + [17.0]


def test_a_limit_is_counted_once_a_student(material: ClassMaterial) -> None:
    slow = entry_of("shape.area", 0.0, {})
    for case in slow["cases"][:3]:
        case["verdict"] = "TIME_LIMIT"
    figures = figures_of(replace(material, submissions=[Submission("slow", {"one": ledger_of(slow)})]))
    assert figures.rows[0].limits == 1


def test_nobody_at_all(material: ClassMaterial) -> None:
    figures = figures_of(replace(material, submissions=[]))
    assert figures.median is None and figures.rows[0].mean_share is None and figures.as_json()["submissions"] == 0
