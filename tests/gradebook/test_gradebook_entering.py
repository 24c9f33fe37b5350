"""Students are entered while others are graded, and nobody waits for a gradebook that somebody holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial

import pytest
from fake_grader import prepare
from tiny_course import ASSIGNMENT, TinyCourse

from autograder.gradebook import entering as room
from autograder.gradebook import run
from autograder.gradebook.entering import Entering
from autograder.gradebook.lock import GradebookBusy, wait_until_free
from autograder.gradebook.run import Outcome

STUDENTS = ("ann", "bob", "cy")


@pytest.fixture
def entering(course: TinyCourse) -> Entering:
    for student in STUDENTS:
        course.hand_in(student, notebooks=("two",))
        prepare(course.root, student, "two", right={"pose.second": [1, 1]})
    return Entering(course.root, ASSIGNMENT)


@pytest.fixture
def held(course: TinyCourse, entering: Entering) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(course.gradebook_path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield connection
    connection.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Whom nbgrader is asked to autograde, call by call."""
    calls: list[list[str]] = []

    def autograde(root, assignment, students, *rest, **more) -> Outcome:
        calls.append(list(students))
        return run.autograde(root, assignment, students, *rest, **more)

    monkeypatch.setattr(room, "autograde", autograde)
    return calls


def test_whoever_is_done_is_entered_at_once_and_nobody_twice(course: TinyCourse, entering: Entering, asked: list[list[str]]) -> None:
    entering.enter("bob")
    assert course.grades("bob")["check-pose-second"] == (4.0, False)
    seen: list[str] = []
    outcome = entering.rest(seen.append)
    assert asked == [["bob"], ["ann", "cy"]]
    assert outcome.done == ("bob", "ann", "cy") and sorted(seen) == sorted(STUDENTS)
    assert course.grades("cy") == course.grades("bob")


def test_only_those_who_were_asked_for(course: TinyCourse, entering: Entering, asked: list[list[str]]) -> None:
    some = Entering(course.root, ASSIGNMENT, ["bob", "cy"])
    some.enter("cy")
    assert some.rest().done == ("cy", "bob") and asked == [["cy"], ["bob"]]


def test_a_held_gradebook_is_not_waited_for_and_left_to_the_end(
    entering: Entering, held: sqlite3.Connection, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def wait(db_url: str, wait_s: float) -> None:
        waits.append(wait_s)
        wait_until_free(db_url, wait_s)

    monkeypatch.setattr(room, "wait_until_free", wait)
    entering.enter("ann")
    held.execute("ROLLBACK")
    # somebody works with it: grading goes on, and what is entered is entered at the end.
    entering.enter("bob")
    assert waits == [0.0] and asked == []
    assert entering.rest().done == STUDENTS


def test_one_that_stays_held_is_named_at_the_end(entering: Entering, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    entering.enter("ann")
    monkeypatch.setattr(run, "wait_until_free", partial(wait_until_free, wait_s=0.1))
    with pytest.raises(GradebookBusy, match=r"gradebook\.db is locked by another program"):
        entering.rest()
    held.execute("ROLLBACK")
    assert entering.rest().done == STUDENTS


def test_nobody_left_is_nothing_to_wait_for(course: TinyCourse, entering: Entering) -> None:
    for student in STUDENTS:
        entering.enter(student)
    connection = sqlite3.connect(course.gradebook_path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    assert entering.rest().done == STUDENTS
    connection.close()


def test_whom_nbgrader_gives_up_is_told_once(course: TinyCourse, entering: Entering, asked: list[list[str]]) -> None:
    (course.root / "intake" / "bob" / ASSIGNMENT / "two.ipynb").write_text("no notebook")
    entering.enter("bob")
    outcome = entering.rest()
    assert outcome.failed == ("bob",) and outcome.done == ("ann", "cy") and asked == [["bob"], ["ann", "cy"]]
    assert list(outcome.reasons) == ["bob"] and outcome.reasons["bob"]


def test_a_fault_that_nobody_foresaw_stops_no_grading(entering: Entering, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = room.autograde

    def autograde(root, assignment, students, *rest, **more) -> Outcome:
        if "bob" in students:
            raise RecursionError("a notebook nested too deeply")
        return whole(root, assignment, students, *rest, **more)

    monkeypatch.setattr(room, "autograde", autograde)
    for student in STUDENTS:
        entering.enter(student)
    assert asked == [["ann"], ["cy"]]
    # told when everybody is graded, as ever.
    with pytest.raises(RecursionError, match="nested too deeply"):
        entering.rest()
