"""``doctor``: what this machine can wall off, and whether a course can be graded on it."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.cli.terminal import EXIT_FAULTY, JsonOption, err, out, print_json
from autograder.engine.secret import SecretError, make_secret, read_secret, secret_path
from autograder.sandbox.doctor import prove
from autograder.sandbox.proof import Proof

PACKAGES = ("torch", "triton", "nbgrader", "jupytext", "nbconvert", "nbclient")


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(doctor)


def doctor(
    new_secret: Annotated[bool, typer.Option("--make-secret", help="Write a new course secret, if there is none.")] = False,
    json: JsonOption = False,
) -> None:
    """Prove each wall of the sandbox on this machine, and look at the course secret. Exit 1 when something required is missing."""
    if new_secret:
        path = make_secret()
        if not json:
            out.print(f"wrote a new course secret to {path}; keep a copy: without it no mark can be recomputed", soft_wrap=True)
    with err.status("trying every wall"):
        proofs = [*_tools(), _secret(), *prove()]
    ok = all(proof.ok for proof in proofs if proof.required)
    if json:
        rows = [{"name": proof.name, "ok": proof.ok, "detail": proof.detail, "required": proof.required} for proof in proofs]
        print_json({"ok": ok, "proofs": rows})
    else:
        _print(proofs, ok)
    if not ok:
        sys.exit(EXIT_FAULTY)


def _print(proofs: list[Proof], ok: bool) -> None:
    table = Table(title="this machine", title_justify="left")
    for heading in ("", "what", "how it was tried"):
        table.add_column(heading)
    for proof in proofs:
        mark = "[green]ok[/]" if proof.ok else "[bold red]NO[/]" if proof.required else "[yellow]no[/]"
        table.add_row(mark, escape(proof.name), escape(proof.detail))
    out.print(table)
    out.print("[bold green]this machine can grade[/]" if ok else "[bold red]this machine must not grade[/]: see the lines marked NO")


def _tools() -> list[Proof]:
    proofs = []
    for name in PACKAGES:
        try:
            proofs.append(Proof(name, True, f"version {metadata.version(name)}", True))
        except metadata.PackageNotFoundError:
            proofs.append(Proof(name, False, f"not installed; pip install --constraint constraints.txt {name}", True))
    alembic = shutil.which("alembic")
    remedy = "not on PATH; activate the virtual environment: nbgrader calls it by name to upgrade a gradebook"
    return [*proofs, Proof("alembic", alembic is not None, alembic or remedy, False)]


def _secret() -> Proof:
    try:
        read_secret()
    except SecretError as error:
        return Proof("course secret", False, str(error), True)
    return Proof("course secret", True, f"{secret_path()}, mode 0600, not tracked by git", True)
