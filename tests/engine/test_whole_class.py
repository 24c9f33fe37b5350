"""Who is told complete while a class is graded: nobody before everything of theirs is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder.engine import whole_class
from autograder.engine.job import Job, Result

LIMITS = SimpleNamespace(limits={})


def job(student: str, notebook: str) -> Job:
    return Job(student, "t1_tiny", notebook, b"", "", Path(), Path(), b"secret")


def result(status: str = "GRADED") -> Result:
    return Result(b"", {"status": status, "points": 1.0, "max_points": 2.0, "bonus_points": 0.0}, b"")


class Class:
    """A course of which only this is real: its jobs, and what the store holds of them."""

    def __init__(self, jobs: Sequence[Job], stored: dict[tuple[str, str], Result] | None = None) -> None:
        self._jobs, self._stored = jobs, stored or {}
        self.store = SimpleNamespace(get=lambda assignment, student, notebook, key: self._stored.get((student, notebook)))

    def jobs(self, *asked: object) -> Sequence[Job]:
        return self._jobs

    def key(self, job: Job) -> str:
        return "key"

    def assignment(self, name: str) -> SimpleNamespace:
        return LIMITS


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order."""
    events: list[str] = []

    def keep(course: Class, job: Job, result: Result) -> None:
        if job.student == "full":
            raise OSError(28, "No space left on device")
        events.append(f"kept {job.student} {job.notebook}")

    def grade_many(jobs: Sequence[Job], finished: Callable[[Job, Result], None], workers: int) -> None:
        for one in jobs:
            finished(one, result("GRADER_ERROR" if one.student == "ours" and one.notebook == "a" else "GRADED"))

    monkeypatch.setattr(whole_class, "keep", keep)
    monkeypatch.setattr(whole_class, "grade_many", grade_many)
    monkeypatch.setattr(whole_class, "require_minimum", lambda: None)
    return events


def grade(course: Class, told: list[str]) -> whole_class.ClassRun:
    return whole_class.grade_class(course, "t1_tiny", complete=lambda student: told.append(f"complete {student}"))  # type: ignore[arg-type]


def test_a_student_is_complete_when_the_last_notebook_is_kept(told: list[str]) -> None:
    run = grade(Class([job("ann", "a"), job("bob", "a"), job("ann", "b")]), told)
    assert told == ["kept ann a", "kept bob a", "complete bob", "kept ann b", "complete ann"]
    assert run.graded == 3 and run.points("ann") == 2.0


def test_what_was_stored_before_counts_as_graded(told: list[str]) -> None:
    grade(Class([job("ann", "a"), job("ann", "b"), job("bob", "a")], {("ann", "a"): result(), ("bob", "a"): result()}), told)
    assert told == ["kept ann b", "complete ann"]


@pytest.mark.parametrize("student", ["ours", "full"], ids=["a failure of ours", "no room for the result"])
def test_a_fault_of_ours_keeps_a_student_back(told: list[str], student: str) -> None:
    run = grade(Class([job(student, "a"), job(student, "b"), job("ann", "a")]), told)
    assert [line for line in told if line.startswith("complete")] == ["complete ann"]
    assert run.ungraded == ([("ours", "a")] if student == "ours" else [])


def test_a_stored_failure_of_ours_keeps_a_student_back(told: list[str]) -> None:
    grade(Class([job("ann", "a"), job("ann", "b")], {("ann", "a"): result("GRADER_ERROR")}), told)
    assert told == ["kept ann b"]
