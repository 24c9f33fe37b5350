"""What every command shares: where files lie, how progress and errors look, what exit codes mean."""

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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from data_scripts.builder import Builder, BuildError

EXIT_OK, EXIT_FAULTY, EXIT_USAGE = 0, 1, 2
REPOSITORY = Path(__file__).resolve().parents[2]

# results go to standard output, everything else to standard error: --json can be piped.
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

OutOption = Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default="data/ of this repository")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines instead of tables.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Build what has not changed, too.")]
DATA = REPOSITORY / "data"


def stop(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Print an error and end the program."""
    err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
    sys.exit(code)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def chosen(names: list[str] | None, known: dict[str, Builder]) -> list[Builder]:
    """Return the builders of these names; all of them when no name is given.

    Raises:
        BuildError: an unknown name.
    """
    for name in names or ():
        if name not in known:
            raise BuildError(f"{name!r} must be one of the sets {', '.join(known)}")
    return [known[name] for name in names or known]


class Stages:
    """A bar for each stage of a long command; called with a stage's name and its number of steps."""

    def __init__(self, bar: Progress, quiet: bool) -> None:
        self._bar = bar
        self._quiet = quiet

    def __call__(self, what: str, total: int | None) -> Callable[[str], None]:
        """Begin a stage; returns what to call with a line after each step. ``total`` None shows a bar without an end."""
        task = self._bar.add_task(what, total=total, line="")
        if not err.is_terminal and not self._quiet:
            err.print(f"  {what}" if total is None else f"  {what} ({total})")
        return lambda line: self._bar.update(task, advance=1, line=escape(line[:60]))


@contextmanager
def steps(quiet: bool) -> Iterator[Stages]:
    """Show the stages of a command on standard error.

    Args:
        quiet: show nothing, for ``--json``.
    """
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[line]}"),
    )
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal) as bar:
        yield Stages(bar, quiet)
