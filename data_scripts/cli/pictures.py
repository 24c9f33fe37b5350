"""``pictures``: samples of the files that lie there, for the data sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data_scripts.cli.make import draw, sample_path
from data_scripts.cli.terminal import DATA, REPOSITORY, OutOption, chosen, out
from data_scripts.discovery import builders

PICTURES = REPOSITORY / "docs" / "pictures" / "data"


def add_to(app: typer.Typer) -> None:
    """Register this module's command."""
    app.command()(pictures)


def pictures(
    names: Annotated[list[str] | None, typer.Argument(help="Sets to draw; all of them when left out.")] = None,
    data: OutOption = DATA,
    to: Annotated[Path, typer.Option(help="Folder for the pictures.", show_default="docs/pictures/data")] = PICTURES,
) -> None:
    """Draw samples of each set's file onto a picture for docs/data.md."""
    to.mkdir(parents=True, exist_ok=True)
    for builder in chosen(names, builders()):
        draw(builder, data, sample_path(to, builder.name))
        out.print(str(sample_path(to, builder.name)), soft_wrap=True)
