"""``grade``: a whole class from submitted/ to the gradebook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.cli.intake import print_summary
from autograder.cli.terminal import (
    EXIT_NOT_ENTERED,
    EXIT_UNGRADED,
    AssignmentArgument,
    CourseOption,
    Failed,
    ForkedOption,
    FreshOption,
    JsonOption,
    WorkersOption,
    course_at,
    err,
    out,
    print_json,
    require_walls,
    started_how,
    steps,
)
from autograder.engine.course import Course
from autograder.engine.receive import receive
from autograder.engine.secret import read_secret
from autograder.engine.whole_class import ClassRun, grade_class
from autograder.gradebook.entering import Entering
from autograder.gradebook.lock import GradebookBusy
from autograder.gradebook.run import generate_feedback, require_assignment
from autograder.intake.course import IntakeSummary

NAMES_SHOWN = 12


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(grade)


def grade(
    assignment: AssignmentArgument,
    course: CourseOption = Path("."),
    student: Annotated[list[str] | None, typer.Option("--student", help="Only this student; may be given several times.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what the ledgers already hold.")] = False,
    feedback: Annotated[bool, typer.Option(help="Write the feedback pages as well.")] = True,
    unsafe_no_sandbox: Annotated[bool, typer.Option("--unsafe-no-sandbox", help="Run student code without walls. Dangerous.")] = False,
    workers: WorkersOption = None,
    fresh: FreshOption = False,
    forked: ForkedOption = False,
    scheduler: Annotated[str | None, typer.Option(help="Grade on a Dask cluster: tcp://HOST:8786.", show_default="this machine")] = None,
    json: JsonOption = False,
) -> None:
    """Intake, judge in the sandbox, enter into nbgrader's gradebook.

    Exit 3 when we failed to grade a submission, 4 when all is graded but the gradebook is locked or has no room: run the command again.
    """
    if scheduler is not None and workers is not None:
        raise Failed("--workers is for this machine, --scheduler for a cluster, which has its own workers; name one of them")
    here = course_at(course)
    start = started_how(fresh, forked)
    if unsafe_no_sandbox:
        err.print("[bold red]student code runs without walls:[/] it can read and change whatever you can, and its marks prove nothing")
    here.assignment(assignment)
    _know(here, assignment, student or [])
    # before minutes are spent on intake.
    require_assignment(here.root, assignment)
    read_secret()
    if not unsafe_no_sandbox and scheduler is None:
        require_walls("--unsafe-no-sandbox to run submissions without any protection")
    with steps(json) as stage:
        taken = receive(here, assignment, stage("intake", None), student)
        if not taken.records and not taken.stale:
            raise Failed(
                f"{here.root / 'submitted'} holds no submission of {assignment}; collect first: nbgrader zip_collect or nbgrader collect"
            )
        entering = Entering(here.root, assignment, student, walls=not unsafe_no_sandbox)
        run = grade_class(
            here,
            assignment,
            students=student,
            workers=workers,
            force=force,
            walls=not unsafe_no_sandbox,
            start=start,
            scheduler=scheduler,
            started=lambda total: stage("grade", total),
            progress=lambda line: stage.step(line),
            complete=entering.enter,
        )
        try:
            entered = entering.rest(stage("gradebook", None))
            if feedback:
                generate_feedback(here.root, assignment, student, stage("feedback", None))
        except OSError as error:
            raise Failed(_not_entered(here, run, error), EXIT_NOT_ENTERED) from error
    if json:
        print_json(_as_json(run, taken))
    else:
        print_summary(taken)
        _print(run)
    for line in run.unsaved:
        err.print(f"[bold red]not stored:[/] {escape(line)}", soft_wrap=True)
    for student_id in entered.failed:
        err.print(f"[bold red]not entered:[/] {escape(student_id)}: {escape(entered.reasons[student_id])}", soft_wrap=True)
    if run.ungraded or taken.failed or run.unsaved or entered.failed:
        sys.exit(EXIT_UNGRADED)


def _know(course: Course, assignment: str, students: list[str]) -> None:
    """Refuse a student who handed nothing in, before anybody is graded: a misspelt name must not pass as done."""
    for student in students:
        if not (course.root / "submitted" / student / assignment).is_dir():
            there = sorted(path.parent.name for path in (course.root / "submitted").glob(f"*/{assignment}"))
            known = ", ".join(there[:NAMES_SHOWN]) + (" …" if len(there) > NAMES_SHOWN else "")
            where = f"{assignment} in {course.root / 'submitted'}"
            raise Failed(f"--student {student} has no submission of {where}; there are: {known or 'none'}")


def _not_entered(course: Course, run: ClassRun, error: OSError) -> str:
    """Say what is kept and what is not, of a class that is graded but could not be entered into the gradebook."""
    why = (
        str(error) if isinstance(error, GradebookBusy) else f"{error.filename or 'a file'} could not be written ({error.strerror or error})"
    )
    done = run.graded + run.stored - len(run.unsaved)
    return f"{why}. Nothing is lost: {done} graded notebooks are kept in {course.store.root}, and the same command goes on from there"


def _as_json(run: ClassRun, taken: IntakeSummary) -> dict:
    return {
        "assignment": run.assignment,
        "notebooks_run": run.graded,
        "notebooks_from_store": run.stored,
        "ungraded": [list(pair) for pair in run.ungraded],
        "unsaved": run.unsaved,
        "intake": [record.to_json() for record in taken.records],
        "stale": list(taken.stale),
        "students": {
            student: {
                "points": run.points(student),
                "notebooks": {name: ledger["status"] for name, ledger in books.items()},
                "verdicts": {entry["name"]: entry["verdict"] for ledger in books.values() for entry in ledger["exercises"]},
            }
            for student, books in sorted(run.ledgers.items())
        },
    }


def _print(run: ClassRun) -> None:
    table = Table(title=run.assignment, title_justify="left")
    for heading in ("student", "verdicts", "points"):
        table.add_column(heading, justify="right" if heading == "points" else "left")
    for student, books in sorted(run.ledgers.items()):
        words: dict[str, int] = {}
        for ledger in books.values():
            for entry in ledger["exercises"]:
                words[entry["verdict"]] = words.get(entry["verdict"], 0) + 1
        table.add_row(escape(student), " · ".join(f"{word} {count}" for word, count in sorted(words.items())), f"{run.points(student):g}")
    out.print(table)
    out.print(f"{run.graded} notebooks run, {run.stored} taken from the ledgers")
    for student, notebook in run.ungraded:
        out.print(f"[bold red]ungraded:[/] {escape(student)}, {notebook}: our failure; see its log.txt under ledgers/", soft_wrap=True)
