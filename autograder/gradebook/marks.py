"""What the gradebook says about a class: totals, late penalties, marks given by hand, cells that wait for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Grade, Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory

from autograder.gradebook.hooks import prepare_nbgrader
from autograder.gradebook.lock import sqlite_path
from autograder.gradebook.run import GradebookError, load_config


@dataclass(frozen=True)
class ManualMark:
    """A mark that a grader gave by hand in place of the judge's.

    Args:
        notebook: that holds the cell.
        cell: grade id.
        points: as given.
        automatic: what the judge gives.
    """

    notebook: str
    cell: str
    points: float
    automatic: float


@dataclass(frozen=True)
class Entry:
    """A student's line in the gradebook.

    Args:
        score: total, late penalty not taken off.
        max_score: of the assignment.
        penalty: late penalty, points.
        changed: marks that a grader put in the judge's place; they survive grading again.
        waiting: (notebook, grade id) of cells that wait for a grader.
    """

    score: float
    max_score: float
    penalty: float
    changed: tuple[ManualMark, ...] = ()
    waiting: tuple[tuple[str, str], ...] = ()


def read_entries(course_root: Path, assignment: str) -> Mapping[str, Entry]:
    """Return every student's entry for an assignment; nobody's where the gradebook does not know it.

    Raises:
        GradebookError: there is no gradebook.
    """
    config = load_config(course_root)
    coursedir = CourseDirectory(config=config)
    path = sqlite_path(coursedir.db_url)
    # merely asking a gradebook that is not there would make one.
    if path is not None and not path.exists():
        raise GradebookError(f"{path} is missing; grade first: python -m autograder grade {assignment} --course {course_root}")
    prepare_nbgrader()
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            submissions = gradebook.assignment_submissions(assignment)
        except MissingEntry:
            return {}
        return {submission.student.id: _entry(submission) for submission in submissions}


def _entry(submission: SubmittedAssignment) -> Entry:
    grades = [(notebook.name, grade) for notebook in submission.notebooks for grade in notebook.grades]
    # databases return rows in orders of their own.
    grades.sort(key=lambda pair: (pair[0], pair[1].name))
    return Entry(
        score=float(submission.score),
        max_score=float(submission.max_score),
        penalty=float(submission.late_submission_penalty or 0.0),
        changed=tuple(
            ManualMark(notebook, grade.name, float(grade.manual_score), float(grade.auto_score))
            for notebook, grade in grades
            if _changed(grade)
        ),
        waiting=tuple((notebook, grade.name) for notebook, grade in grades if grade.needs_manual_grade),
    )


def _changed(grade: Grade) -> bool:
    given, automatic = grade.manual_score, grade.auto_score
    return given is not None and automatic is not None and abs(given - automatic) > 1e-9
