"""``nbgrader export``: the same columns as nbgrader's CSV, with every penalty up to date and every field quoted where it must be."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin
from sqlalchemy.exc import OperationalError

from autograder.gradebook.course_root import CoursePart
from autograder.gradebook.late import LatePenalty, refresh_penalties
from autograder.gradebook.lock import GradebookBusy, message_for, sqlite_path, wait_until_free

COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


class CsvExport(CoursePart, ExportPlugin):
    """Writes one row for each student and assignment; a student who handed nothing in has 0."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # made by nbgrader's application just before it opens the gradebook, which would end in SQLAlchemy's trace.
        coursedir = getattr(self.parent, "coursedir", None)
        if coursedir is not None:
            try:
                wait_until_free(coursedir.db_url)
            except GradebookBusy as error:
                raise SystemExit(f"nothing was exported: {error}") from None

    def export(self, gradebook: Gradebook) -> None:
        """Write ``grades.csv``, or the file named by ``--to``.

        Raises:
            GradebookBusy: another program took the gradebook meanwhile.
        """
        try:
            self._export(gradebook)
        except OperationalError as error:
            told = message_for(sqlite_path(str(gradebook.engine.url)) or "the gradebook", error)
            if told is None:
                raise
            if getattr(self.parent, "coursedir", None) is not None:
                raise SystemExit(f"nothing was exported: {told}") from None
            raise GradebookBusy(told) from error

    def _export(self, gradebook: Gradebook) -> None:
        rows = self._rows(gradebook)
        path = Path(self.to or "grades.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([["" if row[column] is None else row[column] for column in COLUMNS] for row in rows])
        self.log.info("wrote %d rows to %s", len(rows), path)

    def _rows(self, gradebook: Gradebook) -> list[dict[str, Any]]:
        """Return a row for each wanted student and assignment: the columns, and ``handed_in`` and ``waiting`` for a grader."""
        wanted = {str(name) for name in self.assignment}
        students = {str(name) for name in self.student}
        rows = []
        policy = LatePenalty(parent=self)
        for assignment in gradebook.assignments:
            if wanted and assignment.name not in wanted:
                continue
            refresh_penalties(gradebook, assignment.name, assignment.submissions, policy)
            rows += [_row(gradebook, assignment, student) for student in gradebook.students if not students or student.id in students]
        return rows


def _row(gradebook: Gradebook, assignment: Assignment, student: Student) -> dict[str, Any]:
    row: dict[str, Any] = {
        "assignment": assignment.name,
        "duedate": assignment.duedate,
        "timestamp": None,
        "student_id": student.id,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "email": student.email,
        "raw_score": 0.0,
        "late_submission_penalty": 0.0,
        "score": 0.0,
        "max_score": assignment.max_score,
        "handed_in": False,
        "waiting": False,
    }
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return row
    penalty = submission.late_submission_penalty
    row |= {"handed_in": True, "waiting": submission.needs_manual_grade, "timestamp": submission.timestamp}
    row |= {"raw_score": _points(submission.score), "late_submission_penalty": _points(penalty)}
    return row | {"score": _points(max(0.0, submission.score - penalty))}


def _points(points: float) -> float:
    # sums of binary fractions: 0.1 + 0.2 must not reach a spreadsheet as 0.30000000000000004.
    return round(points, 6)
