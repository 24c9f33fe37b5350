"""In the place of nbgrader's Execute: the judged run out of the store, or a new one, put back into nbgrader's notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute as NbgraderExecute
from traitlets import Bool, DottedObjectName
from traitlets.utils.importstring import import_item

from autograder.gradebook.course_root import CoursePart
from autograder.gradebook.graded import METADATA, RESOURCE, Graded, checked_exercise, failure, is_plain_test
from autograder.gradebook.ledger_table import exercise_panel, exercise_text
from autograder.gradebook.markup import safe_outputs

if TYPE_CHECKING:
    from autograder.engine.job import Result


def grade_notebook(course_root: Path, assignments_root: Path, assignment: str, student: str, notebook: str, walls: bool) -> Result:
    """Return the result of one notebook as taken in: from the store where it is there, graded now otherwise.

    Args:
        course_root: folder with ``intake`` and ``ledgers``.
        assignments_root: folder that holds the assignments.
        assignment: its name.
        student: nbgrader's student id.
        notebook: stem.
        walls: False runs the student's code without a sandbox.
    """
    # imported late: whoever only shows or exports marks needs no torch.
    from autograder.engine.course import Course, grade_stored

    course = Course(course_root, assignments_root)
    return grade_stored(course, course.job(assignment, student, notebook, walls))


class Execute(CoursePart, NbgraderExecute):
    """Gives nbgrader the judged run of a notebook instead of running it in a kernel of nbgrader's own.

    It never raises: nbgrader removes an autograded folder, and with it what is known of a submission, on any exception. What goes
    wrong is logged and noted as GRADER_ERROR, and SaveAutoGrades leaves the marks open.
    """

    grader = DottedObjectName(
        "autograder.gradebook.execute.grade_notebook", help="The function that gives a notebook's result; called as grade_notebook is."
    ).tag(config=True)
    unsafe_no_sandbox = Bool(False, help="Run students' code on this machine WITHOUT any sandbox: it can then do whatever you can.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: Any, km: Any = None) -> tuple[NotebookNode, Any]:
        """Fill in outputs and ledger.

        Args:
            nb: as sanitised by nbgrader; changed in place.
            resources: nbconvert's; the result is left in ``resources["vislab"]`` for SaveAutoGrades.
            km: ignored; the judge's kernel runs inside the sandbox.
        """
        place = resources["nbgrader"]
        who = (place["assignment"], place["student"], place["notebook"])
        try:
            result = self._result(*who)
            unscored = _take_outputs(nb, result.executed)
            graded = Graded(result.ledger, unscored)
        except Exception as error:
            self.log.error("GRADER_ERROR: %s of %s for %s is not graded: %s", who[2], who[0], who[1], _reason(error))
            # where it happened helps whoever mends the grader, and hides the sentence above from whoever only has to make a secret.
            self.log.debug("%s of %s for %s failed here:", who[2], who[0], who[1], exc_info=True)
            graded = failure(who[0], who[2], _reason(error))
        else:
            if graded.ledger["status"] == "GRADER_ERROR":
                self.log.error("GRADER_ERROR: %s of %s for %s: %s", who[2], who[0], who[1], graded.ledger.get("error") or "see its ledger")
            for grade_id, reason in unscored.items():
                self.log.error("cell %s in %s of %s for %s is not scored: %s", grade_id, who[2], who[0], who[1], reason)
        _show_ledger(nb, graded)
        # whatever a student left under this name goes: pages are made from it.
        nb.metadata[METADATA] = {"ledger": dict(graded.ledger)}
        resources[RESOURCE] = graded
        return nb, resources

    def _result(self, assignment: str, student: str, notebook: str) -> Result:
        grader: Callable[..., Result] = import_item(self.grader)
        call = partial(grader, self.course_root, self.assignments_folder, assignment, student, notebook, not self.unsafe_no_sandbox)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return call()
        # the formgrader autogrades inside its server's event loop, in which no second loop can be run.
        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(call).result()


def _take_outputs(nb: NotebookNode, executed: bytes) -> dict[str, str]:
    """Copy outputs cell by cell; return the cells whose outputs say nothing about what nbgrader has to score."""
    ran = nbformat.reads(executed.decode("utf-8"), as_version=4)
    if [cell.cell_type for cell in ran.cells] != [cell.cell_type for cell in nb.cells]:
        raise ValueError(
            f"the judged notebook has other cells ({len(ran.cells)}) than the one nbgrader grades ({len(nb.cells)});"
            " was it taken in anew since? Run the command again"
        )
    # everything is read before anything is written: a notebook that is half filled in could be scored.
    outputs = [safe_outputs(done.outputs) if done.cell_type == "code" else [] for done in ran.cells]
    unscored = {}
    for cell, done, shown in zip(nb.cells, ran.cells, outputs):
        if cell.cell_type != "code":
            continue
        count = done.get("execution_count")
        cell.execution_count = count if isinstance(count, int) else None
        cell.outputs = shown
        if is_plain_test(cell) and cell.source != done.source:
            unscored[cell.metadata.nbgrader["grade_id"]] = (
                "the judged run had another text in this cell than the gradebook; generate the assignment again and grade anew"
            )
    return unscored


def _show_ledger(nb: NotebookNode, graded: Graded) -> None:
    """Let each check cell show the judge's word in the place of whatever the student's process printed there."""
    for cell in nb.cells:
        exercise = checked_exercise(cell)
        if exercise is None or cell.cell_type != "code":
            continue
        entry = graded.entry(exercise)
        if entry is None:
            cell.outputs = [new_output("display_data", data={"text/plain": f"{exercise}: not graded"})]
        else:
            data = {"text/plain": exercise_text(entry), "text/html": exercise_panel(entry, for_grader=True)}
            cell.outputs = [new_output("display_data", data=data)]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
