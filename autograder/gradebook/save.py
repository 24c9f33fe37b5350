"""Marks into the gradebook: the ledger's points for exercises, nbgrader's own way for everything else."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Grade, Gradebook
from nbgrader.preprocessors import SaveAutoGrades as NbgraderSaveAutoGrades

from autograder.gradebook.course_root import CoursePart
from autograder.gradebook.graded import RESOURCE, Graded, checked_exercise, failure, is_plain_test
from autograder.gradebook.schedule import ScheduleError, read_schedule, sync_assignment
from vislab.check.verdict import Verdict


class SaveAutoGrades(CoursePart, NbgraderSaveAutoGrades):
    """Writes marks; what a grader gave by hand is never touched."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Score every graded cell of the notebook, and those that it should have and has not."""
        place = resources["nbgrader"]
        missing = failure(place["assignment"], place["notebook"], "the notebook was not executed; is our Execute among the preprocessors?")
        self.graded: Graded = resources.get(RESOURCE) or missing
        nb, resources = super().preprocess(nb, resources)
        with Gradebook(self.db_url) as self.gradebook:
            self._score_absent_cells(nb)
            # the late penalty is worked out by the next preprocessor, from the due date in the gradebook.
            self._sync_due_date()
        return nb, resources

    def _sync_due_date(self) -> None:
        try:
            sync_assignment(self.gradebook, read_schedule(self.assignments_folder, self.assignment_id), self.log)
        except ScheduleError as error:
            self.log.error("the due date of %s stays as it is: %s", self.assignment_id, error)

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        if self._is_nbgraders(cell):
            super()._add_score(cell, resources)
            return
        points = self._points(cell)
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        _set(grade, points)
        self.gradebook.db.commit()

    def _is_nbgraders(self, cell: NotebookNode) -> bool:
        """Say whether nbgrader's own scoring applies: questions always, tests of the author's where they ran."""
        if checked_exercise(cell) is not None:
            return False
        if not is_plain_test(cell):
            return True
        # of a notebook that we failed to run no cell has a count.
        if cell.metadata["nbgrader"]["grade_id"] in self.graded.unscored or cell.execution_count is None:
            return False
        try:
            utils.determine_grade(cell)
        except (ValueError, KeyError, TypeError) as error:
            self.log.error("cell %s of %s: nbgrader cannot score it: %s", cell.metadata["nbgrader"]["grade_id"], self.notebook_id, error)
            return False
        return True

    def _points(self, cell: NotebookNode) -> float | None:
        """Return what a check cell, or a test that nbgrader cannot score, earned; None where nobody knows."""
        exercise = checked_exercise(cell)
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        if exercise is not None:
            return self._ledger_points(exercise)
        if self.graded.failed or grade_id in self.graded.unscored:
            return None
        # nbgrader takes a test without output for a passed one: one that the run never reached has earned nothing.
        return 0.0 if cell.execution_count is None else None

    def _ledger_points(self, exercise: str) -> float | None:
        entry = self.graded.entry(exercise)
        if entry is None:
            if not self.graded.failed:
                fault = "%s of %s: the ledger has no exercise %s; build the assignment again"
                self.log.error(fault, self.notebook_id, self.assignment_id, exercise)
            return None
        return None if entry["verdict"] == Verdict.GRADER_ERROR else float(entry["points"])

    def _score_absent_cells(self, nb: NotebookNode) -> None:
        """Give a definite result to graded cells that the notebook lacks: nbgrader would leave them waiting for a grader for ever."""
        if self.graded.failed:
            return
        present = {cell.metadata["nbgrader"].get("grade_id") for cell in nb.cells if utils.is_grade(cell) or utils.is_task(cell)}
        submission = self.gradebook.find_submission_notebook(self.notebook_id, self.assignment_id, self.student_id)
        for grade in submission.grades:
            if grade.name not in present:
                self.log.warning("%s of %s for %s has no cell %s", self.notebook_id, self.assignment_id, self.student_id, grade.name)
                _set(grade, 0.0)
        self.gradebook.db.commit()


def _set(grade: Grade, points: float | None) -> None:
    grade.auto_score = points
    # as nbgrader does: a mark given by hand stays and is shown for review after a regrade.
    grade.needs_manual_grade = grade.manual_score is not None or points is None
