"""Which submissions of a course become jobs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_assignment import notebook_bytes

from autograder.engine.course import Course, CourseError
from autograder.engine.secret import FILE_VARIABLE, make_secret
from autograder.intake.record import IntakeRecord, NotebookRecord, save_record


@pytest.fixture
def course(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A course of two students whose only notebook has gone through intake."""
    root = tiny.parent / "course"
    monkeypatch.setenv(FILE_VARIABLE, str(make_secret(tiny.parent / "secret")))
    (root / "release" / tiny.name).mkdir(parents=True)
    (root / "release" / tiny.name / "tiny.ipynb").write_bytes(notebook_bytes())
    for student in ("ada", "ben"):
        folder = root / "intake" / student / tiny.name
        folder.mkdir(parents=True)
        (folder / "tiny.ipynb").write_bytes(notebook_bytes())
        save_record(IntakeRecord(student, tiny.name, (NotebookRecord("tiny", "ok", submission_hash="1f"),)), root / "ledgers")
    return Course(root, tiny.parent)


def test_every_notebook_that_intake_let_through_is_a_job(course: Course) -> None:
    assert [(job.student, job.notebook) for job in course.jobs("t1_tiny")] == [("ada", "tiny"), ("ben", "tiny")]


def test_a_submission_that_intake_could_not_take_does_not_stop_the_class(course: Course) -> None:
    # the copy of an earlier submission still lies there.
    save_record(IntakeRecord("ben", "t1_tiny", error="a symbolic link"), course.store.root)
    assert [job.student for job in course.jobs("t1_tiny")] == ["ada"]
    with pytest.raises(CourseError, match="has not gone through intake"):
        course.job("t1_tiny", "ben", "tiny")


def test_a_class_without_intake_is_told_to_run_it(course: Course) -> None:
    (course.store.root / "t1_tiny" / "ben" / "intake.json").unlink()
    with pytest.raises(CourseError, match="run 'python -m autograder intake t1_tiny'"):
        course.jobs("t1_tiny")


def test_an_assignment_is_loaded_once_for_a_whole_class(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    course.jobs("t1_tiny")
    asked: list[Path] = []
    for module in ("autograder.engine.grade_one", "autograder.exercise.assignment"):
        monkeypatch.setattr(f"{module}.load_assignment", asked.append)
    assert len(course.jobs("t1_tiny")) == 2 and asked == []
    assert course.job("t1_tiny", "ben", "tiny").assignment_folder == course.assignment("t1_tiny").folder
