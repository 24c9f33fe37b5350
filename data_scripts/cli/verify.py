"""``verify``: look at the files that lie there, or at any file of the layout by its path."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from data_scripts.cli.terminal import DATA, EXIT_FAULTY, JsonOption, OutOption, chosen, err, out, print_json, steps
from data_scripts.convert.verification import inspect_path
from data_scripts.discovery import builders
from data_scripts.verification import FULL, QUICK, Verdict, inspect


class Again(StrEnum):
    """What is built again to see that the same comes out."""

    none = "none"
    quick = QUICK
    full = FULL


AGAIN = {Again.none: (), Again.quick: (QUICK,), Again.full: (QUICK, FULL)}

_MARKS = {True: "[green]ok[/]", False: "[bold red]NO[/]", None: ""}
_TOLD = {
    True: "what was built again is the same, byte by byte",
    False: "what was built again is not the same",
    None: "nothing was built again",
}


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(verify)


def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sets to look at, or paths of files (converted ones, say); all sets when left out.")
    ] = None,
    to: OutOption = DATA,
    again: Annotated[Again, typer.Option(help="Build again: small files twice (quick), the whole file besides (full).")] = Again.quick,
    json: JsonOption = False,
) -> None:
    """Check layout, checksums, licences, values, leaks between splits, and that two builds are equal. Exit 1 when anything fails."""
    verdicts: dict[str, Verdict] = {}
    known = builders()
    paths = [name for name in names or () if name not in known and _is_path(name)]
    for path in paths:
        with steps(json) as stages:
            verdicts[path] = inspect_path(Path(path), stages)
    sets = [name for name in names or () if name not in paths]
    for builder in chosen(sets, known) if sets or not paths else []:
        if not json and not err.is_terminal:
            err.print(builder.name)
        with steps(json) as stages:
            verdicts[builder.name] = inspect(builder, to, AGAIN[again], stages)
    ok = bool(verdicts) and all(verdict.ok for verdict in verdicts.values())
    if json:
        print_json({"ok": ok, "sets": {name: verdict.as_json() for name, verdict in verdicts.items()}})
    else:
        _print(verdicts, ok)
    if not ok:
        sys.exit(EXIT_FAULTY)


def _is_path(name: str) -> bool:
    return Path(name).suffix in (".h5", ".hdf5") or Path(name).is_file()


def _print(verdicts: dict[str, Verdict], ok: bool) -> None:
    table = Table(title="data sets", title_justify="left")
    for heading in ("", "set", "check", "what was seen"):
        table.add_column(heading)
    for name, verdict in verdicts.items():
        for number, finding in enumerate(verdict.findings):
            mark = "[green]ok[/]" if finding.ok else "[bold red]NO[/]"
            table.add_row(mark, escape(name) if number == 0 else "", finding.check, escape(finding.detail))
        table.add_row(_MARKS[verdict.deterministic], "", "[bold]deterministic[/]", _TOLD[verdict.deterministic])
        rows = ", ".join(f"{table or 'rows'} {count}" for table, count in verdict.rows.items())
        table.add_row("", "", "[dim]size[/]", f"[dim]{verdict.size_bytes / 1e6:.1f} MB; {rows}[/]", end_section=True)
    out.print(table)
    out.print("[bold green]all is well[/]" if ok else "[bold red]something is wrong[/]: see the lines marked NO")
