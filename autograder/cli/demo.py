"""``demo``: a class from nothing to a gradebook."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.cli.terminal import EXIT_FAULTY, JsonOption, OptionalAssignment, WorkersOption, chosen, out, print_json, steps
from autograder.demo.classroom import hold_class
from autograder.demo.outcome import ClassReport
from autograder.engine.course import REPOSITORY

COLOURS = {"OK": "green", "NOT_ATTEMPTED": "dim"}


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(demo)


def demo(
    assignment: OptionalAssignment = None,
    place: Annotated[Path, typer.Option(help="Folder for the throwaway course.")] = REPOSITORY / "demo",
    force: Annotated[bool, typer.Option("--force", help="Grade again what the ledgers already hold.")] = False,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Release, hand in, grade and enter a small class of good, wrong, damaged and hostile submissions. Exit 1 when one comes out wrong."""
    having_class = [each for each in chosen(assignment) if assignment is not None or (each.folder / "demo").is_dir()]
    reports = []
    for each in having_class:
        with steps(json) as stage:
            reports.append(hold_class(each, place, stage, workers, force))
        if not json:
            _print(reports[-1])
    if json:
        print_json(reports[0].as_json() if len(reports) == 1 else {"classes": [report.as_json() for report in reports]})
    if not all(report.ok for report in reports):
        sys.exit(EXIT_FAULTY)


def _print(report: ClassReport) -> None:
    table = Table(title=f"demo class of {report.assignment}", title_justify="left")
    for heading in ("student", "who", "verdicts", "points"):
        table.add_column(heading, justify="right" if heading == "points" else "left")
    for outcome in report.outcomes:
        late = f" [yellow]late: -{outcome.penalty:g}[/]" if outcome.penalty else ""
        mark = "" if not outcome.faults else " [bold red]unexpected[/]"
        table.add_row(
            outcome.recipe.student,
            escape(outcome.recipe.title),
            _verdicts(outcome.verdicts, outcome.statuses),
            f"{outcome.points:g}{late}{mark}",
        )
    out.print(table)
    for outcome in report.outcomes:
        for fault in outcome.faults:
            out.print(f"[bold red]unexpected:[/] {outcome.recipe.student}: {escape(fault)}", soft_wrap=True)
    told = report.as_json()
    out.print(
        f"{told['submissions']} submissions, {told['graded']} graded, {told['controls_lost']} honest ones lost a point,"
        f" {told['attacks_gained']} attacks gained one; {report.run} notebooks run and {report.stored} taken from the ledgers"
        f" in {report.seconds:.0f} s",
        soft_wrap=True,
    )
    course = _shown(Path(report.places["course"]))
    out.print(f"gradebook  {_shown(Path(report.places['gradebook']))}", soft_wrap=True)
    out.print(f"feedback   {_shown(Path(report.places['feedback']))}/<student>/{report.assignment}/*.html", soft_wrap=True)
    out.print(f"grades     {_shown(Path(report.places['csv']))}", soft_wrap=True)
    python = _shown(Path(sys.executable).parent)
    out.print(
        f"formgrader cd {course} && PATH={python}:$PATH jupyter lab --no-browser   then open /formgrader", soft_wrap=True, markup=False
    )


def _verdicts(verdicts: Mapping[str, str], statuses: Mapping[str, str]) -> str:
    counts: dict[str, list[str]] = {}
    for exercise, verdict in verdicts.items():
        counts.setdefault(verdict, []).append(exercise.split(".")[-1])
    odd = [f"[yellow]{name} {status}[/]" for name, status in statuses.items() if status != "GRADED"]
    shown = [
        f"[{COLOURS.get(verdict, 'red')}]{verdict}[/] {len(names) if verdict in COLOURS else ', '.join(names)}"
        for verdict, names in counts.items()
    ]
    return " · ".join([*shown, *odd])


def _shown(path: Path) -> str:
    here = os.path.relpath(path)
    return str(path) if here.startswith("..") else here
