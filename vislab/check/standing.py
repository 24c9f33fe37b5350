"""Where a student stands: every exercise of the notebook and what its last check said."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vislab.check.budget import graded
from vislab.check.public_cases import Listed, cases_path, listed_exercises
from vislab.check.report import Report
from vislab.check.table import CIRCLE, CROSS, GREEN, GREY, RED, TICK, html_table
from vislab.check.verdict import Verdict

# what checks have said since this kernel was started, by exercise, the last one of each.
_reports: dict[str, Report] = {}


@dataclass(frozen=True)
class Standing:
    """One line of the overview.

    Args:
        exercise: its name.
        points: what the exercise is worth; None where the cases file does not say.
        bonus: whether these come on top.
        state: in words.
        good: True: every visible check passed; False: one failed; None: nothing to be said yet.
    """

    exercise: str
    points: float | None
    bonus: bool
    state: str
    good: bool | None

    @property
    def worth(self) -> str:
        """The points in words."""
        if self.points is None:
            return ""
        return f"{self.points:g} {'bonus ' if self.bonus else ''}point{'' if self.points == 1 else 's'}"


@dataclass(frozen=True)
class Progress:
    """The overview; displays itself in a notebook and prints as text elsewhere."""

    rows: tuple[Standing, ...]

    @property
    def summary(self) -> str:
        """One sentence; it promises no points, as hidden checks decide."""
        good = sum(row.good is True for row in self.rows)
        exercises = f"{len(self.rows)} exercise{'' if len(self.rows) == 1 else 's'}"
        return f"{good} of {exercises} pass every visible check. Hidden checks decide the points."

    def __repr__(self) -> str:
        width = max((len(row.exercise) for row in self.rows), default=0)
        worth = max((len(row.worth) for row in self.rows), default=0)
        marks = {True: "ok  ", False: "FAIL", None: "    "}
        lines = [f"  {marks[row.good]}  {row.exercise:<{width}}  {row.worth:>{worth}}  {row.state}" for row in self.rows]
        return "\n".join([self.summary, *lines])

    def _repr_html_(self) -> str:
        looks = {True: (GREEN, TICK), False: (RED, CROSS), None: (GREY, CIRCLE)}
        rows = [(*looks[row.good], [html.escape(text) for text in (row.exercise, row.worth, row.state)]) for row in self.rows]
        return html_table(GREEN if all(row.good is True for row in self.rows) else GREY, self.summary, rows)


def note(report: Report) -> None:
    """Remember what a check at home said."""
    _reports[report.exercise] = report


def progress(notebook: str | None = None) -> Progress | None:
    """Show every exercise of this notebook and what its last check said since the kernel was started.

    Args:
        notebook: name of a notebook of the assignment, ``"2_integral"``; None takes those of which an exercise has been checked, and all of
            the assignment where none has.

    Returns:
        The overview; None while a notebook is graded, when nothing is shown.

    Raises:
        ValueError: no notebook of that name.
        CasesMissing, CasesInvalid: ``cases.h5`` does not lie beside the notebook, or cannot be used.
    """
    return None if graded() else overview(cases_path(), _reports, notebook)


def overview(path: Path, reports: Mapping[str, Report], notebook: str | None = None) -> Progress:
    """Lay reports beside the exercises that a cases file lists; arguments and errors as for ``progress``."""
    listed = listed_exercises(path)
    known = list(dict.fromkeys(each.notebook for each in listed if each.notebook))
    if notebook is not None and notebook not in known:
        raise ValueError(f"notebook {notebook!r} must be one of {', '.join(known) or 'none: this cases.h5 names no notebooks'}")
    touched = {each.notebook for each in listed if each.exercise in reports}
    wanted = {notebook} if notebook is not None else touched or {each.notebook for each in listed}
    return Progress(tuple(_standing(each, reports.get(each.exercise)) for each in listed if each.notebook in wanted))


def _standing(listed: Listed, report: Report | None) -> Standing:
    if report is None:
        state, good = "not checked yet", None
    elif report.not_attempted:
        state, good = "not written yet", None
    else:
        wrong = next((row for row in report.rows if row.verdict is not Verdict.OK), None)
        state = f"{report.passed} of {len(report.rows)} visible checks passed" + (f"; {wrong.case}: {wrong.verdict}" if wrong else "")
        good = report.ok
    return Standing(listed.exercise, listed.points, listed.bonus, state, good)
