"""What graders and students see: the student's source and the judge's ledger, and nothing that could run in their browsers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme
from traitlets import Bool
from traitlets.config import Config

from autograder.exercise.grade_ids import QUESTION, exercise_of, role_of
from autograder.gradebook.course_root import QuietPreprocessor
from autograder.gradebook.graded import METADATA, checked_exercise, is_plain_test
from autograder.gradebook.ledger_table import STYLE, SummaryRow, exercise_panel, note_panel, summary_panel, tone_of
from autograder.gradebook.markup import one_line, safe_markdown, safe_outputs, safe_text
from vislab.check.verdict import Verdict

UNPROVEN = "Scored by nbgrader from the notebook's own output: unproven."
BY_HAND = "marked by a grader"
HIDDEN = "# (hidden tests are not shown)"


class LedgerView(QuietPreprocessor):
    """Base of both views: makes every cell safe to show and puts the ledger where it belongs.

    nbgrader's page templates write a student's markdown into the page as it is, even where nbconvert is told to sanitise; so the
    cells are made safe before a template sees them.
    """

    show_outputs = Bool(False, help="Show what the student's code printed and drew.").tag(config=True)
    for_grader = False
    style = STYLE

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook as it may be shown."""
        ledger = nb.metadata.get(METADATA, {}).get("ledger") or {}
        rows = self.summary_rows(nb, resources, ledger)
        # the style stands in the page's body: nbconvert makes its head's anew after this.
        cells = [_panel_cell("vislab-summary", f"<style>{self.style}</style>{self.summary(ledger, rows, resources)}")]
        for cell in nb.cells:
            cells.append(_safe_cell(cell, self.show_outputs and checked_exercise(cell) is None))
            panel = self.panel(cell, ledger)
            if panel is not None:
                cells.append(_panel_cell(f"vislab-panel-{len(cells)}", panel))
        nb.cells = cells
        # the rest of a notebook's metadata chooses lexers and loads widgets.
        nb.metadata = NotebookNode(language_info={"name": "python", "pygments_lexer": "ipython3"})
        return nb, resources

    def summary(self, ledger: Mapping[str, Any], rows: list[SummaryRow], resources: Any) -> str:
        """Return the panel on top of the page."""
        return summary_panel(ledger, rows, self.for_grader)

    def summary_rows(self, nb: NotebookNode, resources: Any, ledger: Mapping[str, Any]) -> list[SummaryRow]:
        """Return one row for each graded cell."""
        return [self._row(cell, ledger) for cell in nb.cells if utils.is_grade(cell) or utils.is_task(cell)]

    def panel(self, cell: NotebookNode, ledger: Mapping[str, Any]) -> str | None:
        """Return the panel under a cell, or None where it needs none."""
        exercise = checked_exercise(cell)
        if exercise is not None:
            entry = _entry(ledger, exercise)
            if entry is None:
                return note_panel(f"{exercise} is not graded.", "bad")
            return exercise_panel(entry, self.for_grader, cell.metadata["nbgrader"].get("score"))
        return note_panel(UNPROVEN) if is_plain_test(cell) else None

    def _row(self, cell: NotebookNode, ledger: Mapping[str, Any]) -> SummaryRow:
        meta = cell.metadata["nbgrader"]
        grade_id, points_max = meta["grade_id"], float(meta.get("points") or 0)
        exercise = checked_exercise(cell)
        score = meta.get("score")
        if exercise is None:
            kind = "unproven" if is_plain_test(cell) else BY_HAND
            title = (exercise_of(grade_id) if role_of(grade_id) == QUESTION else None) or grade_id
            return SummaryRow(grade_id, title, kind, score, points_max)
        entry = _entry(ledger, exercise)
        if entry is None or entry["verdict"] == Verdict.GRADER_ERROR:
            return SummaryRow(grade_id, exercise, "not graded", None, points_max, "bad")
        points = entry["points"] if score is None else score
        return SummaryRow(grade_id, entry["title"], entry["verdict"], points, points_max, tone_of(entry))


class GraderView(LedgerView):
    """The formgrader's page; listed in ``HTMLExporter.preprocessors``."""

    show_outputs = Bool(True, help="Show what the student's code printed and drew, as text and pictures.").tag(config=True)
    for_grader = True
    # the formgrader frames every picture in red, as if something were wrong with it.
    style = f"{STYLE} .rendered_html img, .output_area img {{ border: none; }}"

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook as graders see it; feedback pages, which come through the same exporter, are left to ``FeedbackView``."""
        if "nbgrader" in resources:
            return nb, resources
        return super().preprocess(nb, resources)

    def summary_rows(self, nb: NotebookNode, resources: Any, ledger: Mapping[str, Any]) -> list[SummaryRow]:
        """Return one row for each check: the formgrader itself shows what counts in the gradebook."""
        return [self._row(cell, ledger) for cell in nb.cells if checked_exercise(cell) is not None]


class FeedbackView(LedgerView):
    """The page that a student gets; listed in ``GenerateFeedback.preprocessors`` behind GetGrades, whose scores it shows."""

    show_outputs = Bool(
        False,
        help="Show what the student's code printed and drew. Off, because that code held the hidden inputs and may have printed them.",
    ).tag(config=True)
    # nbgrader's list on top says the same as ours, without names.
    style = f"{STYLE} #toc {{ display: none; }}"

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook as its author sees it."""
        for cell in nb.cells:
            self._clear_hidden(cell, resources)
            # a grader's comment may quote the student.
            if comment := cell.metadata.get("nbgrader", {}).get("comment"):
                cell.metadata["nbgrader"]["comment"] = safe_markdown(comment)
        return super().preprocess(nb, resources)

    def summary(self, ledger: Mapping[str, Any], rows: list[SummaryRow], resources: Any) -> str:
        """Return the panel on top of the page."""
        return summary_panel(ledger, rows, self.for_grader, float(resources["nbgrader"].get("late_penalty") or 0.0))

    def summary_rows(self, nb: NotebookNode, resources: Any, ledger: Mapping[str, Any]) -> list[SummaryRow]:
        """Return one row for each graded cell, with those that still wait for a grader left open."""
        place = resources["nbgrader"]
        rows = super().summary_rows(nb, resources, ledger)
        with Gradebook(place["db_url"]) as gradebook:
            return [self._with_gradebook(row, gradebook, place) for row in rows]

    def _with_gradebook(self, row: SummaryRow, gradebook: Gradebook, place: Mapping[str, str]) -> SummaryRow:
        try:
            grade = gradebook.find_grade(row.anchor, place["notebook"], place["assignment"], place["student"])
        except MissingEntry:
            return row
        if grade.manual_score is not None:
            return row
        if grade.auto_score is None:
            return SummaryRow(row.anchor, row.title, "not graded yet", None, row.points_max)
        return replace(row, verdict="no answer") if row.verdict == BY_HAND else row

    def _clear_hidden(self, cell: NotebookNode, resources: Any) -> None:
        if not utils.is_locked(cell) and not utils.is_task(cell):
            return
        before = cell.source
        for clear in (ClearHiddenTests, ClearMarkScheme):
            # the course's own delimiters, without the rest of the configuration, of which nbconvert would complain.
            clear(config=Config({clear.__name__: self.config[clear.__name__]})).preprocess_cell(cell, resources, 0)
        if cell.source != before and cell.cell_type == "code":
            cell.source = f"{cell.source.rstrip()}\n{HIDDEN}"


def _safe_cell(cell: NotebookNode, show_outputs: bool) -> NotebookNode:
    if cell.cell_type == "code":
        cell.outputs = safe_outputs(cell.outputs) if show_outputs else []
        cell.source = safe_text(cell.source)
        return cell
    if cell.cell_type == "markdown":
        cell.source = safe_markdown(cell.source, cell.get("attachments"))
        cell.pop("attachments", None)
        return cell
    shown = new_markdown_cell(safe_markdown("````\n" + cell.source.replace("````", "``` `") + "\n````"), metadata=cell.metadata)
    if "id" in cell:
        shown.id = cell.id
    return shown


def _panel_cell(cell_id: str, panel: str) -> NotebookNode:
    return new_markdown_cell(one_line(panel), id=cell_id)


def _entry(ledger: Mapping[str, Any], exercise: str) -> Mapping[str, Any] | None:
    return next((entry for entry in ledger.get("exercises", []) if entry["name"] == exercise), None)
