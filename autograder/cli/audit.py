"""``audit``: the author's honesty gate."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.audit.assignment_audit import AssignmentAudit, audit_assignment
from autograder.cli.terminal import (
    EXIT_FAULTY,
    Failed,
    JsonOption,
    OptionalAssignment,
    WorkersOption,
    chosen,
    out,
    print_json,
    progress_bar,
    require_walls,
)
from autograder.engine.course import REPOSITORY


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(audit)


def audit(
    assignment: OptionalAssignment = None,
    secrets: Annotated[int, typer.Option(min=1, max=1000, help="Course secrets under which the cases are redrawn.")] = 20,
    walls: Annotated[bool, typer.Option(help="Also run the solved and the untouched notebooks through the sandbox.")] = True,
    only: Annotated[list[str] | None, typer.Option(help="Audit this exercise alone, without notebooks; may be repeated.")] = None,
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Prove that right answers keep their marks and wrong ones lose them. Exit 1 when anything fails."""
    only = only or []
    if only and assignment is None:
        raise Failed(f"--only {only[0]} needs the name of its assignment: audit ASSIGNMENT --only {only[0]}")
    if walls and not only:
        require_walls("--no-walls to leave the solved and the untouched notebooks out")
    audits = []
    for each in chosen(assignment):
        if unknown := sorted(set(only) - set(each.exercises)):
            raise Failed(f"--only {unknown[0]} is no exercise of {each.name}; it has {', '.join(sorted(each.exercises))}")
        total = len(only) or len(each.exercises) + (2 * len(each.notebooks) if walls else 0)
        with progress_bar(total, f"audit of {each.name}", json) as advance:
            audits.append(
                audit_assignment(each.folder, REPOSITORY, secrets=secrets, workers=workers, walls=walls, only=only, progress=advance)
            )
        if not json:
            _print(audits[-1])
    if json:
        rows = [row for one in audits for row in one.as_json()["exercises"]]
        print_json({"ok": all(one.ok for one in audits), "exercises": rows, "assignments": [one.as_json() for one in audits]})
    if not all(one.ok for one in audits):
        sys.exit(EXIT_FAULTY)


def _print(audit: AssignmentAudit) -> None:
    table = Table(title=f"{audit.assignment}, {audit.secrets} secrets", title_justify="left")
    for heading in ("exercise", "cases", "mutants killed", "accepted kept", "solution", "stub", "oracle error", "seconds"):
        table.add_column(heading)
    for row in audit.exercises:
        cases = " ".join(f"{family} {count}" for family, count in row.cases.items())
        oracle = "none" if row.oracle_error is None else f"{row.oracle_error:.1e} in {row.oracle_cases}"
        table.add_row(
            row.name,
            cases,
            _share(row.mutants_killed, row.mutants),
            _share(row.accepted_kept, row.accepted),
            "[green]full[/]" if row.solution_full else "[red]not full[/]",
            f"{row.stub_score:g}",
            oracle,
            f"{row.seconds:.0f}",
        )
    out.print(table)
    for note in audit.notebooks:
        out.print(f"{note.notebook}, {note.kind}: {note.points:g} points {'[green]ok[/]' if note.ok else '[red]FAULTY[/]'}")
    for row in audit.exercises:
        for mutant in row.thin:
            out.print(f"[yellow]thin:[/] {row.name}: one case alone kills {mutant}: {row.kills[mutant][0]!r}", soft_wrap=True)
    for name, fault in _faults(audit):
        out.print(f"[bold red]fault:[/] {name}: {escape(fault)}", soft_wrap=True)
    out.print("[bold green]green[/]" if audit.ok else "[bold red]not green[/]")


def _share(part: int, whole: int) -> str:
    return f"[green]{part}/{whole}[/]" if part == whole else f"[red]{part}/{whole}[/]"


def _faults(audit: AssignmentAudit) -> list[tuple[str, str]]:
    found = [(audit.assignment, fault) for fault in audit.faults]
    found += [(row.name, fault) for row in audit.exercises for fault in row.faults]
    return found + [(f"{row.notebook}, {row.kind}", fault) for row in audit.notebooks for fault in row.faults]
