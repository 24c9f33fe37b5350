"""The pictures that lessons show: drawn by functions beside them, or by the lessons themselves.

``figures/drawn.py`` of an assignment holds one public function a picture, without arguments, that returns a matplotlib figure.
The picture of a lesson's finished result comes out of the lesson: it is run with its solutions, and its figure called "finished" is saved,
so what a student is promised is what the notebook makes.
"""

from __future__ import annotations

import importlib.util
import inspect
import io
import os
import runpy
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
# before a lesson imports Triton, which decides then how kernels run.
os.environ.setdefault("TRITON_INTERPRET", "1")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

import vislab.check
from autograder.exercise.assignment import Assignment

DPI = 80
FINISHED = "finished"


class PictureError(LookupError):
    """A picture that nobody draws."""


def draw_pictures(assignment: Assignment, names: Sequence[str] = (), progress: Callable[[str], None] = lambda name: None) -> list[Path]:
    """Draw the pictures of an assignment, or those named (without ``.png``), into its ``figures/``.

    Returns:
        The files written, in order.

    Raises:
        PictureError: a name that no function and no lesson has; a lesson without a figure called "finished".
    """
    folder = assignment.folder / "figures"
    finished = {name: partial(_finished, assignment.folder / "lessons" / f"{name}.py") for name in assignment.notebooks}
    draw: dict[str, Callable[[], Figure]] = _functions(folder / "drawn.py") | finished
    if unknown := sorted(set(names) - set(draw)):
        raise PictureError(f"no picture of {assignment.name} is called {', '.join(unknown)}; there are {', '.join(sorted(draw))}")
    written = []
    for name in names or draw:
        progress(name)
        written.append(folder / f"{name}.png")
        try:
            # no software name or date: the same picture is the same file.
            draw[name]().savefig(written[-1], dpi=DPI, bbox_inches="tight", metadata={"Software": None})
        finally:
            plt.close("all")
    return written


def _functions(path: Path) -> dict[str, Callable[[], Figure]]:
    """Every public function that a module defines itself."""
    if not path.is_file():
        return {}
    spec = importlib.util.spec_from_file_location(f"pictures_of_{path.parents[1].name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = inspect.getmembers(module, lambda member: inspect.isfunction(member) and member.__module__ == module.__name__)
    return {name: function for name, function in own if not name.startswith("_")}


def _finished(lesson: Path) -> Figure:
    """Run a lesson with its solutions and return its figure called "finished"."""
    check, show = vislab.check.check, plt.show
    # the checks need the recorded cases, which are built from this very folder; show() would close what is to be saved.
    vislab.check.check = lambda *answer, **extras: None  # type: ignore[assignment]
    plt.show = lambda *arguments, **options: None
    try:
        # what a lesson prints belongs into the notebook.
        with redirect_stdout(io.StringIO()):
            runpy.run_path(str(lesson))
    finally:
        vislab.check.check, plt.show = check, show
    if FINISHED not in plt.get_figlabels():
        raise PictureError(f'{lesson.name} draws no figure with num="{FINISHED}"; name the one that shows its result')
    return plt.figure(FINISHED)
