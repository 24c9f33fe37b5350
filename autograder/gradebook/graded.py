"""What the judge's result says about the cells of one notebook: handed from Execute to SaveAutoGrades, kept in the autograded notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils

from autograder.exercise.grade_ids import CHECK, exercise_of, role_of
from vislab.check.verdict import Verdict

# where it lies: in nbconvert's resources and in the notebook's metadata.
RESOURCE = METADATA = "vislab"


@dataclass(frozen=True)
class Graded:
    """One notebook's result, as far as the gradebook needs it.

    Args:
        ledger: the judge's; of a notebook that we failed to grade it holds ``status``, ``error`` and no exercises.
        unscored: grade id of a cell to the reason why nobody can say what it earned.
    """

    ledger: Mapping[str, Any]
    unscored: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the notebook was not run, through a fault of ours."""
        return self.ledger["status"] == Verdict.GRADER_ERROR and (not self.ledger["exercises"] or bool(self.ledger.get("error")))

    def entry(self, exercise: str) -> Mapping[str, Any] | None:
        """Return the ledger's entry of an exercise, or None where it has none."""
        return next((entry for entry in self.ledger["exercises"] if entry["name"] == exercise), None)


def failure(assignment: str, notebook: str, error: str) -> Graded:
    """Return the result of a notebook that could not be graded through a fault of ours."""
    about = {"assignment": assignment, "notebook": notebook}
    return Graded({**about, "status": str(Verdict.GRADER_ERROR), "error": error, "exercises": [], "intake": []})


def checked_exercise(cell: NotebookNode) -> str | None:
    """Return the exercise that a check cell checks, or None for any other cell.

    The grade id decides: nbgrader has held it, and the cell's text, against the gradebook.
    """
    if not utils.is_grade(cell) or utils.is_solution(cell):
        return None
    grade_id = cell.metadata["nbgrader"].get("grade_id", "")
    return exercise_of(grade_id) if role_of(grade_id) == CHECK else None


def is_plain_test(cell: NotebookNode) -> bool:
    """Say whether a cell holds an author's own tests, which nbgrader scores from the cell's output."""
    return bool(utils.is_grade(cell)) and not utils.is_solution(cell) and cell.cell_type == "code" and checked_exercise(cell) is None
