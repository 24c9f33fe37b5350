"""``check``: the one call of a check cell, with its two lives."""

from __future__ import annotations

import os
from typing import Any

from vislab.check.budget import graded
from vislab.check.failures import Sentence
from vislab.check.graded import check_graded
from vislab.check.home import check_at_home
from vislab.check.kernels import TritonMissing
from vislab.check.picture import show_error
from vislab.check.report import Report
from vislab.check.standing import note


class NotWrittenYet(Sentence):
    """The exercise still holds its stub."""


class ChecksFailed(Sentence):
    """At least one visible check failed."""


def check(exercise: str, answer: Any, **extras: Any) -> Report | None:
    """Check an answer.

    At home this runs the exercise's public cases and shows a table. While a notebook is graded, the judge's hidden cases are run
    instead, and nothing is shown.

    Args:
        exercise: name as in the notebook, ``"pose.soft_argmax"``.
        answer: the function, module class or kernel that you wrote.
        extras: what the exercise asks for beside it, such as ``grid=`` of a kernel.

    Returns:
        The table at home, when every visible check passed; None otherwise, and where a file that is asked for is not there yet.

    Raises:
        NotWrittenYet: the exercise still holds its stub.
        ChecksFailed: a visible check failed; the table says which and why.
        CasesMissing, CasesInvalid: ``cases.h5`` does not lie beside the notebook, or cannot be used.
    """
    if graded():
        print(check_graded(exercise, answer, extras))
        return None
    try:
        report = check_at_home(exercise, answer, extras)
    except TritonMissing as missing:
        print(f"{exercise}: {missing}")
        return None
    note(report)
    if report.not_attempted and isinstance(answer, (str, os.PathLike)):
        # a file takes minutes of training elsewhere: a notebook that is run from top to bottom goes on without it.
        print(f"{exercise}: {os.fspath(answer)} is not here yet. Make it, then run this cell again.")
        return None
    if report.not_attempted:
        raise NotWrittenYet(
            f"{exercise} is not written yet. Fill in the cell above and run it and this one again; the notebook goes on from here."
        )
    if report.ok:
        return report
    _display(report)
    show_error(exercise, answer, extras)
    failed = len(report.rows) - report.passed
    raise ChecksFailed(f"{exercise}: {failed} of {len(report.rows)} visible checks failed; the table above says which and why.")


def _display(report: Report) -> None:
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        print(report)
        return
    if get_ipython() is None:
        print(report)
    else:
        display(report)
