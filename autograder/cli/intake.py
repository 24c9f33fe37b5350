"""``intake``: from what arrived to what can be run."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from rich.markup import escape

from autograder.cli.terminal import EXIT_UNGRADED, AssignmentArgument, CourseOption, JsonOption, course_at, out, print_json, progress_bar
from autograder.engine.course import Course
from autograder.engine.receive import receive
from autograder.intake.record import IntakeRecord


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(intake)


def intake(assignment: AssignmentArgument, course: CourseOption = Path("."), json: JsonOption = False) -> None:
    """Clean what students handed in: submitted/ is left as it arrived, intake/ is what nbgrader grades."""
    records = run_intake(course_at(course), assignment, json)
    if json:
        print_json({"assignment": assignment, "submissions": [record.to_json() for record in records]})
    else:
        print_records(records)
    if any(record.error for record in records):
        sys.exit(EXIT_UNGRADED)


def run_intake(course: Course, assignment: str, quiet: bool) -> list[IntakeRecord]:
    """Run intake over all submissions with a progress bar."""
    with progress_bar(None, f"intake of {assignment}", quiet) as advance:
        return receive(course, assignment, advance)


def print_records(records: list[IntakeRecord]) -> None:
    """Print what intake had to say, one line per thing worth saying."""
    plain = sum(record.status == "ok" for record in records)
    out.print(f"intake: {len(records)} submissions, {plain} as they should be")
    for record in records:
        if record.error:
            out.print(f"  [bold red]{escape(record.student)}[/]: {escape(record.error)}", soft_wrap=True)
        for entry in record.notebooks:
            if entry.status == "unreadable":
                out.print(
                    f"  [yellow]{escape(record.student)}[/]: {entry.name} is UNREADABLE: {escape(entry.reason or '')}", soft_wrap=True
                )
            elif entry.status == "missing":
                out.print(f"  [yellow]{escape(record.student)}[/]: {entry.name} is missing", soft_wrap=True)
            elif entry.notes:
                out.print(f"  [dim]{escape(record.student)}: {entry.name}: {escape(entry.notes[0].text)}[/]", soft_wrap=True)
