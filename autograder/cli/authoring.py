"""``build``, ``bundle`` and ``figures``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.authoring.build import build_release, build_source
from autograder.authoring.bundle import make_bundle
from autograder.authoring.course import read_course
from autograder.authoring.wheel import build_wheel
from autograder.cli.terminal import AssignmentArgument, Failed, JsonOption, OptionalAssignment, chosen, err, out, print_json
from autograder.engine.course import REPOSITORY


def add_to(app: typer.Typer) -> None:
    """Register this module's commands."""
    app.command()(build)
    app.command()(bundle)
    app.command()(figures)


def build(
    assignment: OptionalAssignment = None,
    run: Annotated[bool, typer.Option(help="Execute the source notebooks.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Execute notebooks whose code has not changed, too.")] = False,
    json: JsonOption = False,
) -> None:
    """Make source/ from the lesson texts and release/ from source/."""
    course = read_course(REPOSITORY / "assignments" / "course.toml")
    rows = []
    for each in chosen(assignment):
        with err.status(each.name) as status:
            built = build_source(each, course, REPOSITORY, run=run, force=force, progress=status.update)
            release = build_release(each, course, REPOSITORY, progress=status.update)
        row = {"assignment": each.name, "source": str(built.folder), "release": str(release.folder)}
        rows.append({**row, "executed": list(built.executed), "kept": list(built.kept)})
        if not json:
            did = ", ".join([*(f"{name} run" for name in built.executed), *(f"{name} unchanged" for name in built.kept)])
            out.print(f"{each.name}: {did or 'written without outputs'}; released to {release.folder}", soft_wrap=True)
    if json:
        print_json({"built": rows})


def bundle(
    assignment: OptionalAssignment = None,
    to: Annotated[Path, typer.Option(help="Folder for the zips.")] = REPOSITORY / "bundle",
    json: JsonOption = False,
) -> None:
    """Zip each release with its wheel and data: complete on its own, what students get."""
    rows = []
    with err.status("building the wheel") as status:
        wheel = build_wheel(REPOSITORY, REPOSITORY / "build" / "wheel")
        for each in chosen(assignment):
            made = make_bundle(each, REPOSITORY, to.resolve(), wheel=wheel, progress=status.update)
            rows.append({"assignment": each.name, "bundle": str(made.path), "size_bytes": made.path.stat().st_size})
            if not json:
                out.print(f"{each.name}: {made.path} ({made.path.stat().st_size / 1e6:.2f} MB)", soft_wrap=True)
    if json:
        print_json({"bundles": rows})


def figures(
    assignment: AssignmentArgument,
    names: Annotated[list[str] | None, typer.Argument(help="Pictures to draw, without .png; all if left out.")] = None,
    json: JsonOption = False,
) -> None:
    """Draw the pictures that lessons show: by figures/drawn.py, and the finished results by the lessons themselves."""
    # drawing takes matplotlib, which no other command needs.
    from autograder.authoring.pictures import PictureError, draw_pictures

    (each,) = chosen(assignment)
    with err.status(each.name) as status:
        try:
            written = draw_pictures(each, names or (), progress=status.update)
        except PictureError as error:
            raise Failed(str(error)) from None
    if json:
        print_json({"figures": [str(path) for path in written]})
    else:
        for path in written:
            out.print(str(path), soft_wrap=True)
