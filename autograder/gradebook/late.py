"""Late submissions: a share of the maximum for each started day."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, SubmittedAssignment
from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

from autograder.gradebook.course_root import CoursePart, QuietPreprocessor
from autograder.gradebook.schedule import ScheduleError, read_schedule

DAY_S = 86_400
GRACE_MINUTES = 10.0


def days_late(seconds_late: float, grace_minutes: float = GRACE_MINUTES) -> int:
    """Return how many days have started since the due date; the grace period is given again for every day.

    Args:
        seconds_late: as nbgrader counts them, extensions taken off.
        grace_minutes: a submission this late is in time.
    """
    return max(0, math.ceil((seconds_late - 60 * grace_minutes) / DAY_S))


def penalty_points(points_max: float, penalty_per_day: float, days: int) -> float:
    """Return the points lost.

    Args:
        points_max: of the notebook, bonus left out.
        penalty_per_day: share of them.
        days: started days.
    """
    return round(points_max * min(1.0, penalty_per_day * days), 6)


class LatePenalty(CoursePart, LateSubmissionPlugin):
    """Takes off what ``assignment.toml`` says under ``[late]``; nbgrader's own ``penalty_method`` has no effect."""

    grace_minutes = Float(GRACE_MINUTES, min=0, help="A submission that is at most so many minutes late is in time.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Return the points to take off one notebook, or None.

        Args:
            student_id: whose.
            score: of the notebook; nbgrader takes off no more than this.
            total_seconds_late: extensions taken off.
        """
        # nbgrader tells a plug-in neither assignment nor notebook; the preprocessor that owns it knows both.
        owner = self.parent
        penalty_per_day = self.penalty_per_day(owner.assignment_id)
        if penalty_per_day is None:
            return None
        notebook = owner.gradebook.find_submission_notebook(owner.notebook_id, owner.assignment_id, student_id)
        return penalty_points(notebook.max_score, penalty_per_day, days_late(total_seconds_late, self.grace_minutes)) or None

    def penalty_per_day(self, assignment: str) -> float | None:
        """Return an assignment's share per day, or None where it cannot be read."""
        try:
            return read_schedule(self.assignments_folder, assignment).penalty_per_day
        except ScheduleError as error:
            self.log.error("late penalties of %s cannot be worked out: %s", assignment, error)
            return None


class RefreshPenalty(CoursePart, QuietPreprocessor):
    """Works a notebook's penalty out anew before its feedback is written.

    nbgrader never takes off more than a notebook's score, and works that out before the questions are marked by hand: a late notebook
    that had no points yet would go without penalty for ever.
    """

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Leave the notebook as it is and correct its row in the gradebook."""
        place = resources["nbgrader"]
        with Gradebook(place["db_url"]) as gradebook:
            submission = gradebook.find_submission(place["assignment"], place["student"])
            refresh_penalties(gradebook, place["assignment"], [submission], LatePenalty(parent=self))
        return nb, resources


def refresh_penalties(gradebook: Gradebook, assignment: str, submissions: Iterable[SubmittedAssignment], policy: LatePenalty) -> int:
    """Work the penalties of an assignment's submissions out anew; they stay as they are where its rules cannot be read.

    Returns:
        Number of notebooks whose penalty changed.
    """
    penalty_per_day = policy.penalty_per_day(assignment)
    if penalty_per_day is None:
        return 0
    changed = 0
    for submission in submissions:
        for notebook in submission.notebooks:
            days = days_late(submission.total_seconds_late, policy.grace_minutes)
            penalty = min(penalty_points(notebook.max_score, penalty_per_day, days), notebook.score)
            if abs((notebook.late_submission_penalty or 0.0) - penalty) > 1e-9:
                policy.log.info("late penalty of %s for %s: %g", notebook.name, submission.student.id, penalty)
                notebook.late_submission_penalty = penalty or None
                changed += 1
    gradebook.db.commit()
    return changed
