"""One command for each set, and ``all``: build what is missing or has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from data_scripts.builder import Builder
from data_scripts.cli.terminal import DATA, ForceOption, JsonOption, OutOption, err, out, print_json, steps
from data_scripts.discovery import builders
from data_scripts.production import Made, make, read, set_path

PictureOption = Annotated[bool, typer.Option(help="Draw samples of a new file onto NAME.png beside it.")]


def add_to(app: typer.Typer) -> None:
    """Register a command for each set, and ``all``."""
    for builder in builders().values():
        app.command(builder.name, help=builder.summary)(_command(builder))
    app.command("all", help="Build every set with its defaults, as 'make data' does; what has not changed is kept.")(make_all)


def _command(builder: Builder) -> Callable[..., None]:
    # annotations are text and are read outside of this function, so what depends on the builder stands in the defaults.
    def command(
        to: OutOption = DATA,
        count: int = typer.Option(builder.count, help=f"How many: {builder.counted}."),
        seed: int = typer.Option(builder.seed, help="Decides every draw."),
        picture: PictureOption = True,
        force: ForceOption = False,
        json: JsonOption = False,
    ) -> None:
        report([build(builder, to, count, seed, picture, force, json)], json)

    return command


def make_all(to: OutOption = DATA, picture: PictureOption = True, force: ForceOption = False, json: JsonOption = False) -> None:
    """Build every set with its defaults."""
    report([build(builder, to, builder.count, builder.seed, picture, force, json) for builder in builders().values()], json)


def build(builder: Builder, folder: Path, count: int, seed: int, picture: bool, force: bool, quiet: bool) -> Made:
    """Build one set's file where it is needed, and draw samples of it."""
    if not quiet and not err.is_terminal:
        err.print(builder.name)
    with steps(quiet) as stages:
        made = make(builder, folder, count, seed, stages, force)
    samples = sample_path(folder, builder.name)
    if picture and (made.built or not samples.is_file()):
        draw(builder, folder, samples)
    return made


def sample_path(folder: Path, name: str) -> Path:
    """Return where the picture of a set's samples lies."""
    return folder / f"{name}.png"


def draw(builder: Builder, folder: Path, to: Path) -> None:
    """Draw samples of a set's file."""
    # no version of matplotlib inside, so that the same picture is the same file.
    builder.picture(read(set_path(folder, builder.name))).savefig(to, metadata={"Software": None})


def report(files: list[Made], json: bool) -> None:
    """Print what is there now."""
    if json:
        rows = {
            made.path.stem: {
                "path": str(made.path),
                "built": made.built,
                "size_bytes": made.record.size_bytes,
                "sha256": made.record.sha256,
            }
            for made in files
        }
        print_json({"sets": rows, "size_bytes": sum(made.record.size_bytes for made in files)})
        return
    for made in files:
        did = "built" if made.built else "unchanged"
        out.print(f"{made.path.stem}: {did}, {made.record.size_bytes / 1e6:.1f} MB, {made.path}", soft_wrap=True)
