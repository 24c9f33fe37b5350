"""The page: one HTML file with everything in it. Whatever comes from students or from messages is escaped by the template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jinja2

from autograder.report import pictures
from autograder.report.material import ClassMaterial
from autograder.report.similarity import Pair
from autograder.report.statistics import DISCRIMINATION_MIN, Figures

TEMPLATE = "page.html"
LISTED_MAX = 8


def render(material: ClassMaterial, figures: Figures, pairs: Sequence[Pair] | None) -> str:
    """Return the report as HTML.

    Args:
        pairs: answers that resemble each other; None: not looked for.
    """
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"points": _points, "percent": _percent, "few": _few}
    attempted = [row for row in figures.rows if row.graded]
    return environment.get_template(TEMPLATE).render(
        material=material,
        figures=figures,
        pairs=pairs,
        discrimination_min=DISCRIMINATION_MIN,
        pictures={
            "scores": pictures.score_distribution(figures.scores, figures.points_max),
            "success": pictures.success(attempted),
            "families": pictures.families(attempted),
            "times": pictures.run_times(figures.run_s),
        },
    )


def _points(value: float) -> str:
    return f"{round(value + 0.0, 2):g}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _few(counts: dict[str, int]) -> list[tuple[str, int]]:
    return list(counts.items())[:LISTED_MAX]
