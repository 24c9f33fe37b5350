"""The ledger as people read it: what failed cases say is short, and the telling one is not buried."""

from __future__ import annotations

import re

import pytest
from fake_grader import EXERCISES

from autograder.gradebook.ledger_table import MESSAGES_MAX, exercise_panel, exercise_text
from autograder.judge.ledger import Subject, make_ledger
from autograder.judge.records import CaseRecord, CheckRecord, Ending
from vislab.check.verdict import Family, Verdict


def entry_of(texts: list[str], verdict: Verdict = Verdict.WRONG_VALUE) -> dict:
    """Return the ledger's entry of a check in which these cases failed."""
    cases = [CaseRecord(f"case {number}", Family.VALUE, verdict, text) for number, text in enumerate(texts)]
    record = CheckRecord("pose.first", Ending.COMPLETE, [*cases, CaseRecord("one row", Family.EDGE, verdict, texts[-1])])
    subject = Subject("t1_tiny", "one", "0" * 64, "1" * 64, {})
    return make_ledger(subject, EXERCISES["one"], {"pose.first": record}, [])["exercises"][0]


def told(entry: dict) -> list[str]:
    """Return the lines under "What went wrong"."""
    return re.findall(r"<li>(.*?)</li>", exercise_panel(entry, for_grader=False))


def test_what_many_cases_have_in_common_is_told_once_and_last() -> None:
    died = "not run: an earlier case used up the time"
    entry = entry_of([*[died] * 14, "no answer within 10 s", *[died] * 3], Verdict.TIME_LIMIT)
    assert told(entry) == [
        "[pose.first · value · &quot;case 14&quot;] no answer within 10 s",
        f"[pose.first · value, edge · 18 cases] {died}",
    ]
    assert "18 cases" in exercise_text(entry) and exercise_text(entry).count("not run") == 1


@pytest.mark.parametrize("errors", [3, MESSAGES_MAX + 4])
def test_cases_that_differ_are_told_one_by_one(errors: int) -> None:
    lines = told(entry_of([f"max error {number} px" for number in range(errors)]))
    # the last text stands for two cases.
    shown = min(errors + 1, MESSAGES_MAX)
    assert lines[:shown][0] == "[pose.first · value · &quot;case 0&quot;] max error 0 px"
    assert len(lines) == shown + (errors + 1 > MESSAGES_MAX)
    assert errors < MESSAGES_MAX or lines[-1] == f"… and {errors + 1 - MESSAGES_MAX} more"


@pytest.mark.parametrize(
    ("probe", "verdict", "told"),
    [
        ("function", Verdict.WRONG_VALUE, "returned wrong values"),
        ("test-suite", Verdict.WRONG_VALUE, "failed a right implementation, or let a wrong one pass"),
        ("test-suite", Verdict.TIME_LIMIT, "took longer than allowed"),
        ("model", Verdict.WRONG_SHAPE, "holds weights of a wrong shape"),
        ("model", Verdict.NOT_ATTEMPTED, "not attempted"),
    ],
)
def test_a_verdict_means_what_was_judged(probe: str, verdict: Verdict, told: str) -> None:
    entry = entry_of(["a fault"], verdict)
    assert entry["probe"] == "function"
    assert told in exercise_panel({**entry, "probe": probe}, for_grader=False)


def test_a_ledger_of_an_earlier_release_names_no_probe() -> None:
    entry = entry_of(["a fault"])
    del entry["probe"]
    assert "returned wrong values" in exercise_panel(entry, for_grader=False)
