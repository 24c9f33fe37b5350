"""Run intake for a course: the assignment says which notebooks, names and files to look for."""

from __future__ import annotations

from collections.abc import Callable, Collection

from autograder.engine.course import Course
from autograder.intake.course import IntakeSummary, intake_assignment


def receive(
    course: Course, assignment: str, progress: Callable[[str], None] = lambda line: None, students: Collection[str] | None = None
) -> IntakeSummary:
    """Clean what students handed in, and return what became of each submission.

    Args:
        course: its ``submitted/`` is read, its ``intake/`` and ``ledgers/`` are written.
        assignment: its name.
        progress: told each student's name.
        students: only these; all when None.

    Raises:
        AssignmentError: an unknown assignment.
        CourseError: the assignment is not released in this course.
    """
    loaded = course.assignment(assignment)
    symbols = {exercise.name: exercise.symbol for exercise in loaded.exercises.values()}
    return intake_assignment(
        course.root,
        assignment,
        loaded.notebooks,
        symbols,
        loaded.extra_files,
        students=students,
        release=course.release_folder(assignment),
        progress=lambda record, done, total: progress(record.student),
    )
