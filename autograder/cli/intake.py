"""``intake``: from what arrived to what can be run."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from rich.markup import escape

from autograder.cli.terminal import EXIT_UNGRADED, AssignmentArgument, CourseOption, JsonOption, course_at, out, print_json, progress_bar
from autograder.engine.receive import receive
from autograder.intake.course import IntakeSummary


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(intake)


def intake(assignment: AssignmentArgument, course: CourseOption = Path("."), json: JsonOption = False) -> None:
    """Clean what students handed in: submitted/ is left as it arrived, intake/ is what nbgrader grades."""
    here = course_at(course)
    with progress_bar(None, f"intake of {assignment}", json) as advance:
        summary = receive(here, assignment, advance)
    if json:
        submissions = [record.to_json() for record in summary.records]
        print_json({"assignment": assignment, "submissions": submissions, "stale": list(summary.stale)})
    else:
        print_summary(summary)
    if summary.failed:
        sys.exit(EXIT_UNGRADED)


def print_summary(summary: IntakeSummary) -> None:
    """Print what intake had to say, one line per thing worth saying."""
    records = summary.records
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
    for student in summary.stale:
        out.print(
            f"  [yellow]{escape(student)}[/]: the submission is gone from submitted/; the copy taken earlier is graded all the same:"
            f" delete intake/{escape(student)}/{summary.assignment} to leave it out",
            soft_wrap=True,
        )
