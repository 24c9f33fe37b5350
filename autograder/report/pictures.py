"""The pictures of a report, as data that a page can hold: SVG that loads nothing and runs nothing."""

from __future__ import annotations

import base64
import io
import statistics
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autograder.report.statistics import ExerciseRow

GREEN, AMBER, RED, BLUE, GREY = "#1a7f37", "#9a6700", "#b42318", "#1f5fa8", "#afb8c1"
SETTINGS: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none", "font.family": "sans-serif"}


def score_distribution(scores: Sequence[float], points_max: float) -> str:
    """Draw how many students have how many points."""
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 2.4), layout="constrained")
        panel = figure.subplots()
        most = max([points_max, *scores])
        panel.hist(scores, bins=[most * edge / 20 for edge in range(21)], color=BLUE, rwidth=0.92)
        if scores:
            middle = statistics.median(scores)
            panel.axvline(middle, color=RED, linewidth=1.2)
            panel.annotate("median", (middle, 1), xycoords=("data", "axes fraction"), color=RED, ha="center", va="bottom", fontsize=8)
        if most > points_max:
            panel.axvline(points_max, color="black", linewidth=0.8, linestyle=":")
        panel.set(xlabel="points (bonus included)", ylabel="students", xlim=(0, most))
        panel.yaxis.set_major_locator(MaxNLocator(integer=True))
        return _embedded(figure)


def success(rows: Sequence[ExerciseRow]) -> str:
    """Draw of every exercise who has all points, some, none, and who did not try."""
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 0.9 + 0.28 * max(len(rows), 1)), layout="constrained")
        panel = figure.subplots()
        names = [row.asked.name for row in rows]
        full = [row.full for row in rows]
        absent = [row.graded - row.attempted for row in rows]
        some = [row.attempted - row.full for row in rows]
        left = [0] * len(rows)
        for counts, colour, label in ((full, GREEN, "every point"), (some, AMBER, "some points, or none"), (absent, GREY, "not attempted")):
            panel.barh(names, counts, left=left, color=colour, label=label, height=0.7)
            left = [a + b for a, b in zip(left, counts, strict=True)]
        panel.invert_yaxis()
        panel.set(xlabel="students", xlim=(0, max([1, *left])))
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=8)
        return _embedded(figure)


def families(rows: Sequence[ExerciseRow]) -> str:
    """Draw which hidden family fails how often, one row an exercise."""
    kinds = list(dict.fromkeys(kind for row in rows for kind in row.families))
    shown = [row for row in rows if row.families]
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 0.7 + 0.28 * max(len(shown), 1)), layout="constrained")
        panel = figure.subplots()
        table = [[row.families.get(kind, float("nan")) for kind in kinds] for row in shown]
        if table and kinds:
            panel.imshow(table, cmap="Reds", vmin=0, vmax=1, aspect="auto")
            for line, row in enumerate(table):
                for column, share in enumerate(row):
                    if share == share:
                        panel.text(
                            column, line, f"{share:.0%}", ha="center", va="center", fontsize=8, color="white" if share > 0.6 else "black"
                        )
        panel.set_xticks(range(len(kinds)), kinds)
        panel.set_yticks(range(len(shown)), [row.asked.name for row in shown])
        panel.xaxis.tick_top()
        panel.tick_params(length=0)
        for spine in panel.spines.values():
            spine.set_visible(False)
        return _embedded(figure)


def run_times(run_s: Sequence[float]) -> str:
    """Draw how long notebooks ran."""
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(7.2, 1.8), layout="constrained")
        panel = figure.subplots()
        panel.hist(run_s, bins=24, color=GREY, rwidth=0.92)
        panel.set(xlabel="seconds a notebook ran (all its runs together)", ylabel="notebooks", xlim=(0, None))
        panel.yaxis.set_major_locator(MaxNLocator(integer=True))
        return _embedded(figure)


def _embedded(figure: Figure) -> str:
    stream = io.BytesIO()
    # no date: the same class gives the same page.
    with matplotlib.rc_context({"svg.hashsalt": "report"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
