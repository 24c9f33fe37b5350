"""Marks as they stand in the gradebook after nbgrader's own autograde."""

from __future__ import annotations

import pytest
from fake_grader import prepare
from tiny_course import ASSIGNMENT, PLAIN_TEST, TinyCourse

from autograder.gradebook.marks import read_entries
from autograder.gradebook.run import GradebookError

FULL = {"pose.first": [4, 4], "pose.extra": [2, 2]}


def _ready(course: TinyCourse, student: str = "ann", *, answer: str | None = None, two=None, timestamp: str | None = None, **one) -> None:
    course.hand_in(student, timestamp, answer=answer)
    prepare(course.root, student, "one", **({"right": FULL} | one))
    prepare(course.root, student, "two", **(two or {"right": {"pose.second": [1, 1]}}))


def _stream(name: str, text: str = "hello\n") -> dict:
    return {"output_type": "stream", "name": name, "text": text}


def _value(text: str) -> dict:
    return {"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {}, "execution_count": 1}


def test_points_of_the_ledger_bonus_included(course: TinyCourse) -> None:
    _ready(course, right={"pose.first": [3, 4], "pose.extra": [1, 2]}, answer="Because.")
    outcome = course.autograde()
    assert outcome.done == ("ann",) and not outcome.failed
    grades = course.grades("ann")
    assert grades["check-pose-first"] == (4.0, False)
    assert grades["check-pose-extra"] == (1.0, False)
    assert grades["check-pose-second"] == (4.0, False)
    assert grades["question-pose-why"] == (None, True)


def test_bonus_lifts_the_score_above_the_maximum(course: TinyCourse) -> None:
    _ready(course, answer="Because.")
    course.autograde()
    with course.gradebook() as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, "ann")
        gradebook.find_grade("question-pose-why", "one", ASSIGNMENT, "ann").manual_score = 3
        gradebook.db.commit()
        assert (submission.max_score, submission.score) == (14, 16)


def test_an_untouched_question_gets_nothing_and_waits_for_nobody(course: TinyCourse) -> None:
    _ready(course)
    course.autograde()
    assert course.grades("ann")["question-pose-why"] == (0, False)
    with course.gradebook() as gradebook:
        assert gradebook.find_comment("question-pose-why", "one", ASSIGNMENT, "ann").auto_comment == "No response."


def test_outputs_of_the_student_earn_nothing_in_a_check_cell(course: TinyCourse) -> None:
    outputs = {"check-first": [_value("5.0")], "check-extra": [_value("5.0")]}
    _ready(course, right={"pose.first": [0, 4], "pose.extra": [0, 2]}, outputs=outputs)
    course.autograde()
    grades = course.grades("ann")
    assert grades["check-pose-first"] == (0.0, False) and grades["check-pose-extra"] == (0.0, False)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({}, (2.0, False)),
        ({"outputs": {"plain": [_stream("stdout")]}}, (2.0, False)),
        ({"outputs": {"plain": [{"output_type": "error", "ename": "AssertionError", "evalue": "", "traceback": []}]}}, (0.0, False)),
        # the hundred and first output decides as well.
        ({"outputs": {"plain": [_stream("stdout", f"{n}\n") for n in range(120)] + [_stream("stderr")]}}, (0.0, False)),
        ({"outputs": {"plain": [_value("1.5")]}}, (1.5, False)),
        # nbgrader itself would drop the whole submission over a value above the maximum.
        ({"outputs": {"plain": [_value("99")]}}, (None, True)),
        ({"not_reached": ["plain"]}, (0.0, False)),
        ({"sources": {"plain": PLAIN_TEST.split("###")[0]}}, (None, True)),
    ],
    ids=["passed", "prints", "fails", "late stderr", "partial", "above maximum", "not reached", "ran without its hidden tests"],
)
def test_plain_tests_are_scored_as_nbgrader_does_where_they_ran(course: TinyCourse, plan: dict, expected: tuple) -> None:
    _ready(course, **plan)
    assert course.autograde().failed == ()
    assert course.grades("ann")["own-test"] == expected


def test_a_missing_notebook_gets_zero_from_nbgrader(course: TinyCourse) -> None:
    course.hand_in("bob", notebooks=("two",))
    prepare(course.root, "bob", "two", right={"pose.second": [1, 1]})
    course.autograde()
    grades = course.grades("bob")
    assert grades.pop("check-pose-second") == (4.0, False)
    assert set(grades.values()) == {(0, False)}


@pytest.mark.parametrize(
    "plan",
    [
        {"fault": "bubblewrap is not installed"},
        {"error": "OSError: disk full"},
        {"right": FULL, "drop": ["title"]},
    ],
    ids=["grader raises", "error ledger", "other cells"],
)
def test_our_own_failure_is_never_a_zero(course: TinyCourse, plan: dict) -> None:
    _ready(course, "ann")
    course.autograde()
    assert course.grades("ann")["check-pose-first"] == (5.0, False)
    prepare(course.root, "ann", "one", **plan)
    outcome = course.autograde()
    assert outcome.done == ("ann",) and any("GRADER_ERROR" in line for line in outcome.log)
    grades = course.grades("ann")
    # not the old mark either: it belongs to another run.
    for cell in ("check-pose-first", "check-pose-extra", "own-test"):
        assert grades[cell] == (None, True), cell
    assert grades["check-pose-second"] == (4.0, False)
    notebook = course.autograded("ann", "one")
    assert notebook.metadata.vislab.ledger.status == "GRADER_ERROR"
    assert notebook.metadata.vislab.ledger.error
    prepare(course.root, "ann", "one", right=FULL)
    course.autograde()
    assert course.grades("ann")["check-pose-first"] == (5.0, False)


def test_a_store_that_holds_garbage_does_not_lose_the_submission(course: TinyCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    import fake_grader

    _ready(course)
    monkeypatch.setattr(fake_grader, "_executed", lambda content, plan: b"\xff not a notebook")
    outcome = course.autograde()
    assert outcome.done == ("ann",) and course.grades("ann")["check-pose-first"] == (None, True)


def test_a_fault_while_outputs_are_put_back_scores_nothing(course: TinyCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.gradebook import execute

    _ready(course)
    calls = []

    def fails_at_the_end(outputs: list) -> list:
        calls.append(outputs)
        if len(calls) == 5:
            raise MemoryError
        return []

    # the plain test is the fifth code cell.
    monkeypatch.setattr(execute, "safe_outputs", fails_at_the_end)
    course.autograde()
    assert len(calls) > 5 and course.grades("ann")["own-test"] == (None, True)


def test_without_our_execute_no_mark_is_made_up(course: TinyCourse) -> None:
    _ready(course)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("c.Autograde.autograde_preprocessors = c.Autograde.autograde_preprocessors[1:]\n")
    course.autograde()
    assert course.grades("ann")["check-pose-first"] == (None, True)


def test_an_unreadable_file_has_a_definite_zero_everywhere(course: TinyCourse) -> None:
    _ready(course, unreadable="the file is no JSON", right={})
    course.autograde()
    grades = course.grades("ann")
    assert grades.pop("check-pose-second") == (4.0, False)
    assert set(grades.values()) == {(0.0, False)}


def test_graded_cells_that_the_notebook_lacks_get_a_definite_zero(course: TinyCourse) -> None:
    _ready(course, right={"pose.extra": [2, 2]}, answer="Because.")
    lost = ("check-first", "why", "plain")
    course.edit("ann", "one", lambda notebook: notebook.update(cells=[cell for cell in notebook.cells if cell.id not in lost]))
    outcome = course.autograde()
    grades = course.grades("ann")
    for cell in ("check-pose-first", "question-pose-why", "own-test"):
        assert grades[cell] == (0.0, False), cell
    assert grades["check-pose-extra"] == (2.0, False)
    assert any("has no cell check-pose-first" in line for line in outcome.log)


def test_marks_given_by_hand_survive_a_regrade(course: TinyCourse) -> None:
    _ready(course, answer="Because.")
    course.autograde()
    with course.gradebook() as gradebook:
        gradebook.find_grade("check-pose-first", "one", ASSIGNMENT, "ann").manual_score = 1.25
        question = gradebook.find_grade("question-pose-why", "one", ASSIGNMENT, "ann")
        question.manual_score, question.needs_manual_grade = 2.5, False
        gradebook.db.commit()
    prepare(course.root, "ann", "one", right={"pose.first": [2, 4]})
    course.autograde()
    with course.gradebook() as gradebook:
        check = gradebook.find_grade("check-pose-first", "one", ASSIGNMENT, "ann")
        assert (check.auto_score, check.manual_score, check.score) == (3.0, 1.25, 1.25)
        # nbgrader's way of asking for a second look.
        assert check.needs_manual_grade
        assert gradebook.find_grade("question-pose-why", "one", ASSIGNMENT, "ann").score == 2.5


def test_what_a_student_left_in_the_metadata_is_no_ledger(course: TinyCourse) -> None:
    forged = {"ledger": {"status": "GRADED", "exercises": [{"name": "pose.first", "verdict": "OK", "points": 5}]}}
    _ready(course, right={})
    course.edit("ann", "one", lambda notebook: notebook.metadata.update(vislab=forged))
    course.autograde()
    assert course.grades("ann")["check-pose-first"] == (0.0, False)
    entry = course.autograded("ann", "one").metadata.vislab.ledger.exercises[0]
    assert entry.verdict == "NOT_ATTEMPTED"


def test_the_check_cell_shows_the_ledger_and_nothing_of_the_student(course: TinyCourse) -> None:
    outputs = {"check-first": [_stream("stdout", "all tests passed")], "solve-first": [_stream("stdout", "debug")]}
    _ready(course, right={"pose.first": [3, 4]}, outputs=outputs)
    course.autograde()
    cells = {cell.id: cell for cell in course.autograded("ann", "one").cells}
    shown = cells["check-first"].outputs
    assert len(shown) == 1 and "pose.first: WRONG_VALUE, 4 of 5 points" in shown[0].data["text/plain"]
    assert "all tests passed" not in str(shown)
    assert cells["solve-first"].outputs[0].text == "debug"
    assert cells["check-first"].metadata.nbgrader.grade_id == "check-pose-first"


def test_entries_tell_changed_marks_penalties_and_what_waits(course: TinyCourse) -> None:
    _ready(course, answer="Because.", timestamp="2027-02-06 20:00:00 UTC")
    _ready(course, "ben", right={"pose.first": [1, 4], "pose.extra": [0, 2]})
    course.autograde()
    with course.gradebook() as gradebook:
        gradebook.find_grade("check-pose-first", "one", ASSIGNMENT, "ben").manual_score = 5
        gradebook.db.commit()
    entries = read_entries(course.root, ASSIGNMENT)
    assert sorted(entries) == ["ann", "ben"]
    assert entries["ann"].waiting == (("one", "question-pose-why"),) and entries["ann"].changed == () and entries["ann"].penalty > 0
    (mark,) = entries["ben"].changed
    assert (mark.notebook, mark.cell, mark.points) == ("one", "check-pose-first", 5.0) and mark.automatic < 5.0
    assert entries["ben"].penalty == 0 and entries["ben"].max_score == 14


def test_nobody_has_an_entry_where_there_is_no_gradebook(course: TinyCourse) -> None:
    course.gradebook_path.unlink()
    with pytest.raises(GradebookError, match=r"gradebook\.db is missing; grade first: python -m autograder grade t1_tiny"):
        read_entries(course.root, ASSIGNMENT)
    assert not course.gradebook_path.exists()
