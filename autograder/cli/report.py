"""``report``: how a class did on an assignment, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.terminal import AssignmentArgument, CourseOption, Failed, JsonOption, course_at, out, print_json, steps
from autograder.gradebook.marks import read_entries
from autograder.intake.writing import write_whole
from autograder.report.gather import gather
from autograder.report.page import render
from autograder.report.similarity import similar_pairs
from autograder.report.statistics import figures_of


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(report)


def report(
    assignment: AssignmentArgument,
    course: CourseOption = Path("."),
    to: Annotated[Path | None, typer.Option("--to", help="File to write.", show_default="reports/ASSIGNMENT.html in the course")] = None,
    names: Annotated[bool, typer.Option(help="Names of students; numbers in another order every time without.")] = True,
    similarity: Annotated[bool, typer.Option(help="Compare the students' code with each other.")] = True,
    mutants: Annotated[bool, typer.Option(help="Run the mutants of what went wrong, to recognise them.")] = True,
    json: JsonOption = False,
) -> None:
    """Write a page on a graded class: points, exercises, families, diagnoses, similar answers, what is not graded. For the staff alone."""
    here = course_at(course)
    known = here.assignment(assignment)
    entries = read_entries(here.root, assignment)
    if not here.store.ledgers(assignment):
        raise Failed(f"{here.store.root / assignment} holds no graded submission; first: python -m autograder grade {assignment}")
    with steps(json) as stage:
        material = gather(here, known, entries, mutants=mutants, progress=stage("gather", None))
        if not names:
            material = material.without_names()
        figures = figures_of(material)
        stage("compare", None)
        pairs = similar_pairs(material) if similarity else None
        page = render(material, figures, pairs)
    target = to or here.root / "reports" / f"{assignment}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, page.encode("utf-8"), target.parent)
    # students' data: nobody else on this machine reads it.
    target.chmod(0o600)
    if json:
        print_json({"report": str(target), "similar_pairs": None if pairs is None else len(pairs), **figures.as_json()})
        return
    out.print(f"{len(figures.scores)} submissions, {len(figures.ungraded)} not graded, median {figures.median:g} of {figures.points_max:g}")
    out.print(str(target), soft_wrap=True)
