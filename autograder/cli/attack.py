"""``attack``: hostile submissions must gain nothing, honest ones must lose nothing, on this machine."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.attack.fixture import find_fixtures
from autograder.attack.plain_nbgrader import PlainOutcome, run_plain
from autograder.attack.suite import SuiteReport, run_suite
from autograder.cli.terminal import (
    EXIT_FAULTY,
    ForkedOption,
    FreshOption,
    JsonOption,
    WorkersOption,
    out,
    print_json,
    started_how,
    steps,
)
from autograder.engine.course import REPOSITORY
from autograder.sandbox.minimum import require_minimum

FIXTURES = (REPOSITORY / "tests" / "attacks", REPOSITORY / "tests" / "honest")
RANGE = REPOSITORY / "tests" / "attacks" / "range"


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(attack)


def attack(
    folders: Annotated[list[Path] | None, typer.Argument(help="Folders of fixtures; both suites of the repository when left out.")] = None,
    firing_range: Annotated[Path, typer.Option("--range", help="Folder of the assignment that the fixtures are handed in for.")] = RANGE,
    plain: Annotated[
        bool,
        typer.Option(
            "--unsafe-against-plain-nbgrader", help="Measure what harmless attacks gain of nbgrader as it comes: without any walls."
        ),
    ] = False,
    workers: WorkersOption = None,
    fresh: FreshOption = False,
    forked: ForkedOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print what came out wrong, and the last line.")] = False,
    json: JsonOption = False,
) -> None:
    """Hand in every attack and every honest control and grade them. Exit 1 when one gains, leaks, stays behind or loses a point."""
    # hostile code never runs without walls: there is no option that does without them.
    start = started_how(fresh, forked)
    require_minimum()
    fixtures = find_fixtures(folders or list(FIXTURES))
    # a short path: Unix sockets of the grader are made below it.
    place = Path(tempfile.mkdtemp(prefix="vl-"))
    place.chmod(0o711)
    try:
        if plain:
            with steps(json) as stage:
                compared = run_plain(fixtures, firing_range, place, stage)
            _print_plain(compared, json)
            sys.exit(0 if all(outcome.as_recorded for outcome in compared) else EXIT_FAULTY)
        with steps(json or quiet) as stage:
            report = run_suite(fixtures, firing_range, place, stage, workers, start=start)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if json:
        print_json(report.as_json())
    else:
        _print(report, quiet)
    if not report.ok:
        sys.exit(EXIT_FAULTY)


def _print_plain(outcomes: list[PlainOutcome], json: bool) -> None:
    if json:
        print_json({"gained": sum(outcome.gained for outcome in outcomes), "fixtures": [outcome.as_json() for outcome in outcomes]})
        return
    table = Table(title="against plain nbgrader", title_justify="left")
    for heading in ("fixture", "points", "plain nbgrader", "recorded"):
        table.add_column(heading)
    for outcome in outcomes:
        told = "not graded" if outcome.failed else "gained" if outcome.gained else "not gained"
        colour = "green" if outcome.as_recorded else "red"
        table.add_row(f"[{colour}]{escape(outcome.fixture.name)}[/]", f"{outcome.points:g}", told, outcome.fixture.nbgrader or "-")
    out.print(table)
    out.print(f"{sum(outcome.gained for outcome in outcomes)} of {len(outcomes)} gained points of plain nbgrader", soft_wrap=True)


def _print(report: SuiteReport, quiet: bool) -> None:
    if not quiet:
        _print_table(report)
    for outcome in report.outcomes:
        for complaint in outcome.complaints:
            out.print(f"[bold red]{escape(outcome.fixture.name)}:[/] {escape(complaint)}", soft_wrap=True)
    for trace in report.left_behind:
        out.print(f"[bold red]left behind:[/] {escape(trace)}", soft_wrap=True)
    for fault in report.faults:
        out.print(f"[bold red]unexpected:[/] {escape(fault)}", soft_wrap=True)
    told = report.as_json()
    out.print(
        f"{told['attacks']} attacks: {told['gained']} gained, {told['leaked']} leaked, {told['left_behind']} left something behind,"
        f" {told['observed_evaded']} evaded what is only observed; {told['controls']} honest controls: {told['lost']} lost a point;"
        f" {told['unexpected']} came out otherwise than expected; {report.seconds:.0f} s",
        soft_wrap=True,
    )


def _print_table(report: SuiteReport) -> None:
    table = Table(title="attacks and honest controls", title_justify="left")
    for heading in ("fixture", "verdicts", "proven", "observed", "plain nbgrader"):
        table.add_column(heading)
    for outcome in report.outcomes:
        verdicts = ", ".join(f"{name.split('.')[-1]} {word}" for name, word in outcome.verdicts.items()) or outcome.status
        colour = "green" if outcome.ok else "red"
        observed = f"{outcome.observed:g}{' evaded' if outcome.evaded else ''}"
        table.add_row(
            f"[{colour}]{escape(outcome.fixture.name)}[/]", verdicts, f"{outcome.proven:g}", observed, outcome.fixture.nbgrader or "-"
        )
    out.print(table)
