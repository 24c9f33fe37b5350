"""Entering a class into the gradebook while the rest of it is still being graded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from autograder.gradebook.lock import wait_until_free
from autograder.gradebook.run import Outcome, Progress, autograde, load_config, students_in


class Entering:
    """Enters students as they are done, then whoever is left.

    nbgrader waits for the disk some forty times a student, and so needs no processor while notebooks are run on all of them.

    Args:
        course_root: the course folder.
        assignment: its name.
        students: ids; None takes everybody in ``intake``.
        walls: False only where ``--unsafe-no-sandbox`` was typed out.
    """

    def __init__(self, course_root: Path, assignment: str, students: Sequence[str] | None = None, walls: bool = True) -> None:
        self._place = course_root, assignment
        self._students = students
        self._walls = walls
        self._free = True
        self._outcome = Outcome()

    def enter(self, student: str) -> None:
        """Enter one student whose results are all in the store.

        Never raises: whoever calls this has others to grade. What goes wrong with one student is left to ``rest``; a gradebook that cannot
        be written now is not waited for, and this student and all later ones are left.
        """
        if not self._free:
            return
        try:
            wait_until_free(self._coursedir.db_url, 0.0)
            self._outcome += autograde(*self._place, [student], walls=self._walls)
        except OSError:
            self._free = False
        except Exception:  # whatever it is, it comes again in rest, when everybody is graded.
            return

    def rest(self, progress: Progress = lambda student: None) -> Outcome:
        """Enter everybody who was not, waiting for the gradebook where somebody holds it; returns what became of the whole class.

        Args:
            progress: called with each student's id when it is done.

        Raises:
            GradebookBusy: another program holds the gradebook and does not let go, or it cannot be written.
        """
        entered = {*self._outcome.done, *self._outcome.failed}
        everybody = students_in(self._coursedir, self._place[1]) if self._students is None else self._students
        for student in everybody:
            if student in entered:
                progress(student)
        left = [student for student in everybody if student not in entered]
        if left:
            self._outcome += autograde(*self._place, left, progress, walls=self._walls)
        return self._outcome

    # read once, and when it is first asked for: a configuration is a program.
    @cached_property
    def _coursedir(self) -> CourseDirectory:
        return CourseDirectory(config=load_config(self._place[0]))
