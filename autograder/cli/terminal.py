"""What every command shares: where things lie, how progress and errors look, what exit codes mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from autograder.engine.course import REPOSITORY, Course
from autograder.exercise.assignment import Assignment, AssignmentError, find_assignments, resolve_assignment
from autograder.sandbox.choice import Start
from autograder.sandbox.faults import SandboxMissing
from autograder.sandbox.fork_proof import fork_faults
from autograder.sandbox.keeper import end_servers
from autograder.sandbox.minimum import require_minimum

# 4: everything is graded and kept, but the gradebook could not take it in now; the same command goes on from there.
EXIT_OK, EXIT_FAULTY, EXIT_USAGE, EXIT_UNGRADED, EXIT_NOT_ENTERED = 0, 1, 2, 3, 4

# results go to standard output, everything else to standard error: --json can be piped.
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

AssignmentArgument = Annotated[str, typer.Argument(help="Name of the assignment, such as a1_pose.")]
OptionalAssignment = Annotated[str | None, typer.Argument(help="Name of one assignment; all of them when left out.")]
CourseOption = Annotated[
    Path, typer.Option("--course", help="Course folder: holds release/, submitted/ and the gradebook.", show_default="here")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines instead of tables.")]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Submissions graded at once; one per processor by default.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Start an interpreter for every kernel: slower, for comparison.")]
ForkedOption = Annotated[
    bool, typer.Option("--forked", help="Fork every kernel from a warm interpreter, or fail: the default is to fork where that is safe.")
]


class Failed(Exception):
    """Ends a command with a message and an exit code."""

    def __init__(self, message: str, code: int = EXIT_USAGE) -> None:
        super().__init__(message)
        self.code = code


def started_how(fresh: bool, forked: bool) -> Start:
    """Return how kernels are started, from ``--fresh`` and ``--forked``.

    Raises:
        Failed: both were given, or ``--forked`` on a machine where a proof of it does not hold.
    """
    if fresh and forked:
        raise Failed("--fresh and --forked exclude each other; leave both out to fork where that is safe")
    faults = fork_faults() if forked else ()
    # Each worker has one of its own.
    end_servers()
    if faults:
        raise Failed(f"kernels cannot be forked here: {'; '.join(faults)}; leave --forked out to start an interpreter for each")
    return Start.FRESH if fresh else Start.FORKED if forked else Start.AUTO


def stop(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Print an error and end the program."""
    err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    sys.exit(code)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def course_at(folder: Path) -> Course:
    """Return the course in ``folder``.

    Raises:
        Failed: there is no such folder; one that is misspelt must not look like one without submissions.
    """
    if not folder.is_dir():
        raise Failed(f"--course {folder} is no folder; name the one in which nbgrader is started")
    return Course(folder.resolve())


def chosen(name: str | None) -> list[Assignment]:
    """Return the assignment of that name, or all of the repository's."""
    root = REPOSITORY / "assignments"
    if name is not None:
        return [resolve_assignment(root, name)]
    known = find_assignments(root)
    if not known:
        raise AssignmentError(f"there is no assignment under {root}")
    return [resolve_assignment(root, each) for each in known]


def require_walls(without: str) -> None:
    """Refuse to go on where no sandbox can be built, before anything else takes its time.

    Args:
        without: the option of this command that does without a sandbox, and what it means.

    Raises:
        Failed: says what to install, and names the option.
    """
    try:
        require_minimum()
    except SandboxMissing as error:
        raise Failed(f"{error}, or type out {without}") from error


class Stages:
    """A bar per stage of a long command, with rate and time left; called with a stage's name and number of steps."""

    def __init__(self, bar: Progress, quiet: bool) -> None:
        self._bar = bar
        self._quiet = quiet
        self._task: TaskID | None = None

    def __call__(self, what: str, total: int | None) -> Callable[[str], None]:
        """Begin a stage; returns what to call with a line after each step. ``total`` None shows a bar without an end."""
        self.end()
        self._task = self._bar.add_task(what, total=total, line="")
        if not err.is_terminal and not self._quiet:
            err.print(what if total is None else f"{what} ({total})")
        return self.step

    def step(self, line: str) -> None:
        """Note one finished step of the current stage."""
        if self._task is None:
            return
        self._bar.update(self._task, advance=1, line=escape(line[:70]))
        if line and not err.is_terminal and not self._quiet:
            err.print(f"  [dim]{escape(line)}[/]", soft_wrap=True)

    def end(self) -> None:
        """Mark the current stage as finished."""
        if self._task is None:
            return
        task = next(task for task in self._bar.tasks if task.id == self._task)
        done = max(task.completed, 1) if task.total is None else task.total
        self._bar.update(self._task, total=done, completed=done, line="")


@contextmanager
def steps(quiet: bool) -> Iterator[Stages]:
    """Show the stages of a command on standard error.

    Args:
        quiet: show nothing, for ``--json``.
    """
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[line]}"),
    )
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal) as bar:
        stages = Stages(bar, quiet)
        yield stages
        stages.end()


@contextmanager
def progress_bar(total: int | None, what: str, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show one bar; yields what to call with a line after each step."""
    with steps(quiet) as stage:
        yield stage(what, total)
