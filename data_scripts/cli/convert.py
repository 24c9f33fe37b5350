"""``convert``: other people's files, a command for each format."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from data_scripts.builder import BuildError, Progress
from data_scripts.cli.terminal import JsonOption, out, print_json, steps
from data_scripts.convert import coco_captions, coco_keypoints, distorted_digits, egocap, mnist, mpii, original_icons, picture, splits
from data_scripts.convert.plan import Plan
from data_scripts.convert.provenance import Terms
from data_scripts.convert.writing import carry_out, check_target


class Split(StrEnum):
    """Where a row's split comes from."""

    auto = splits.AUTO
    hash = splits.HASHED
    train = "train"
    val = "val"
    test = "test"


class Fit(StrEnum):
    """How a picture fills a square."""

    pad = picture.PAD
    crop = picture.CROP
    stretch = picture.STRETCH


class Unit(StrEnum):
    """Unit of joints in space."""

    stored = egocap.STORED
    m = "m"
    cm = "cm"
    mm = "mm"


class Places(StrEnum):
    """What joints in the image count."""

    unit = egocap.UNIT_INTERVAL
    pixel = egocap.PIXELS


TargetOption = Annotated[Path, typer.Option("--out", help="The file to write.")]
LicenceOption = Annotated[str, typer.Option(help="Licence of the source, SPDX name or a sentence; it stands in the file.")]
AttributionOption = Annotated[str, typer.Option(help="Whom to name, as the source's licence asks.")]
CountOption = Annotated[int | None, typer.Option(min=1, help="Take the first ones alone.")]
ReplaceOption = Annotated[bool, typer.Option("--force", help="Replace an HDF5 file that is there.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Read the annotations, say what would be written, and write nothing.")]
SkipOption = Annotated[bool, typer.Option("--skip-faulty", help="Leave out what is faulty or missing, and count it, instead of stopping.")]
ImagesOption = Annotated[list[Path], typer.Option("--images", help="Folder of the pictures; may be given several times.")]
SizeOption = Annotated[int, typer.Option(min=8, max=1024, help="Side of the images, pixels.")]
MarginOption = Annotated[float, typer.Option(min=0.1, max=10, help="How much larger than the person the crop is.")]
SplitOption = Annotated[
    Split,
    typer.Option(
        help="Split of the rows: what the source tells, or else the hash (auto); a hash of what belongs together; or one for all."
    ),
]
InputsArgument = Annotated[list[Path], typer.Argument(help="Files as they were published.")]
InputArgument = Annotated[Path, typer.Argument(help="The file.")]

converters = typer.Typer(
    help="Convert data sets that you have into files of the layout. Nothing is downloaded; the licence stays the source's.",
    no_args_is_help=True,
)


def add_to(app: typer.Typer) -> None:
    """Register the group of commands."""
    app.add_typer(converters, name="convert")


@converters.command()
def icons(
    source: InputArgument,
    to: TargetOption,
    split: SplitOption = Split.auto,
    count: CountOption = None,
    licence: LicenceOption = "",
    attribution: AttributionOption = "",
    force: ReplaceOption = False,
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:
    """The original course's icon file (HDF5: img, polygon) to the set icons_plain."""
    terms = Terms(licence, attribution)
    run(
        [source],
        to,
        force,
        dry_run,
        json,
        lambda stages: original_icons.plan(source, split=split, count=count, terms=terms, progress=stages),
    )


@converters.command("egocap")
def egocap_(
    source: InputArgument,
    to: TargetOption,
    skeleton: Annotated[str, typer.Option(help="Names of the joints: unnamed, egocap (18 joints), or a JSON file.")] = "unnamed",
    pose_2d: Annotated[Places, typer.Option(help="Whether pose_2d is 0 to 1 over the image, or pixels from 0.")] = Places.unit,
    unit: Annotated[Unit, typer.Option(help="Unit of pose_3d; lengths become metres where it is known.")] = Unit.stored,
    block_rows: Annotated[int, typer.Option(min=1, help="So many neighbouring rows stay in one split: frames of a video.")] = 500,
    split: SplitOption = Split.auto,
    count: CountOption = None,
    licence: LicenceOption = "",
    attribution: AttributionOption = "",
    force: ReplaceOption = False,
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:
    """An EgoCap-style pose file (HDF5: img, pose_2d, pose_3d) to the set keypoints."""

    def plan(stages: Progress) -> Plan:
        return egocap.plan(
            source,
            joints=skeleton,
            pose_2d=pose_2d,
            unit=unit,
            block_rows=block_rows,
            split=split,
            count=count,
            terms=Terms(licence, attribution),
            progress=stages,
        )

    run([source], to, force, dry_run, json, plan)


@converters.command("mpii")
def mpii_(
    inputs: InputsArgument,
    to: TargetOption,
    images: ImagesOption,
    size: SizeOption = 64,
    margin: MarginOption = mpii.MARGIN,
    split: SplitOption = Split.auto,
    count: CountOption = None,
    skip_faulty: SkipOption = False,
    licence: LicenceOption = "",
    attribution: AttributionOption = "",
    force: ReplaceOption = False,
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:
    """MPII human pose (its .mat file, or the JSON form) to the set keypoints, 16 joints."""

    def plan(stages: Progress) -> Plan:
        return mpii.plan(
            inputs,
            picture.Pictures(images),
            size=size,
            margin=margin,
            split=split,
            count=count,
            skip=skip_faulty,
            terms=Terms(licence, attribution),
            progress=stages,
        )

    run(inputs, to, force, dry_run, json, plan)


@converters.command("coco-keypoints")
def coco_keypoints_(
    inputs: InputsArgument,
    to: TargetOption,
    images: ImagesOption,
    size: SizeOption = 64,
    margin: MarginOption = coco_keypoints.MARGIN,
    split: SplitOption = Split.auto,
    count: CountOption = None,
    skip_faulty: SkipOption = False,
    licence: LicenceOption = "",
    attribution: AttributionOption = "",
    force: ReplaceOption = False,
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:
    """COCO's person_keypoints_*.json to the set keypoints, 17 joints."""

    def plan(stages: Progress) -> Plan:
        return coco_keypoints.plan(
            inputs,
            picture.Pictures(images),
            size=size,
            margin=margin,
            split=split,
            count=count,
            skip=skip_faulty,
            terms=Terms(licence, attribution),
            progress=stages,
        )

    run(inputs, to, force, dry_run, json, plan)


@converters.command("coco-captions")
def coco_captions_(
    inputs: InputsArgument,
    to: TargetOption,
    images: ImagesOption,
    size: SizeOption = 64,
    fit: Annotated[Fit, typer.Option(help="How a picture fills the square: padded, cropped to the middle, or stretched.")] = Fit.pad,
    references: Annotated[int, typer.Option(min=1, help="Captions of each picture.")] = 5,
    length: Annotated[int, typer.Option(min=3, max=200, help="Tokens of a caption, begin and end among them.")] = 24,
    least: Annotated[int, typer.Option(min=1, help="Words must stand this often in the training captions; others are <unk>.")] = 5,
    vocabulary: Annotated[Path | None, typer.Option(help="Take the words of another converted file.")] = None,
    split: SplitOption = Split.auto,
    count: CountOption = None,
    skip_faulty: SkipOption = False,
    licence: LicenceOption = "",
    attribution: AttributionOption = "",
    force: ReplaceOption = False,
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:
    """COCO's captions_*.json to the set captions."""

    def plan(stages: Progress) -> Plan:
        return coco_captions.plan(
            inputs,
            picture.Pictures(images),
            shape=coco_captions.Shape(size, fit, references, length),
            least=least,
            vocabulary=vocabulary,
            split=split,
            count=count,
            skip=skip_faulty,
            terms=Terms(licence, attribution),
            progress=stages,
        )

    run([*inputs, *([vocabulary] if vocabulary else [])], to, force, dry_run, json, plan)


@converters.command("mnist")
def mnist_(
    inputs: Annotated[list[Path], typer.Argument(help="IDX files of pictures and labels, plain or .gz, or the folder they lie in.")],
    to: TargetOption,
    split: SplitOption = Split.auto,
    val_count: Annotated[int, typer.Option(min=0, help="So many of the last training rows validate instead.")] = 0,
    count: CountOption = None,
    distort: Annotated[
        int | None, typer.Option(min=1, help="Write the set digits instead: so many training pictures of each distortion.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what --distort draws.")] = 0,
    licence: LicenceOption = "",
    attribution: AttributionOption = "",
    force: ReplaceOption = False,
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:
    """MNIST, or another set of ten classes in IDX files, to the set digits_plain (or digits, with --distort)."""
    terms = Terms(licence, attribution)

    def plan(stages: Progress) -> Plan:
        if distort is None:
            return mnist.plan(inputs, split=split, val_count=val_count, count=count, terms=terms)
        if split != Split.auto or val_count or count is not None:
            raise BuildError("--distort takes its digits by the files' own split; --split, --val-count and --count must be left out")
        return distorted_digits.plan(inputs, count=distort, seed=seed, terms=terms, progress=stages)

    run(inputs, to, force, dry_run, json, plan)


def run(inputs: Sequence[Path], to: Path, force: bool, dry_run: bool, json: bool, make: Callable[[Progress], Plan]) -> None:
    """Plan a conversion, carry it out unless it is a dry run, and say what came of it.

    Raises:
        BuildError: a target that must not be written, or nothing to write.
    """
    for one in inputs:
        if not one.exists():
            raise FileNotFoundError(f"{one} is no file; it must be there to be converted; correct the path")
    if not dry_run:
        check_target(to, inputs, force)
    # a process that is told to end takes its half-written file with it, as it does on Ctrl-C.
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with steps(json) as stages:
            plan = make(stages)
            if not plan.total:
                reasons = ", ".join(f"{line}: {times}" for line, times in plan.tally.counts.items()) or "the source is empty"
                raise BuildError(f"nothing is left to write ({reasons}); one row at least must be; look at the source")
            converted = None if dry_run else carry_out(plan, to, stages)
    finally:
        signal.signal(signal.SIGTERM, before)
    report = None if converted is None else converted.report
    if json:
        print_json(
            {
                "out": str(to),
                "written": report is not None,
                "set": plan.set_name,
                "rows": _split_rows(plan) if report is None else report.rows,
                "splits": _split_rows(plan),
                "image": list(plan.image),
                "image_bytes": plan.image_bytes,
                "size_bytes": None if report is None else report.size_bytes,
                "content": None if report is None else report.content,
                "licences": sorted({source.licence for source in plan.sources}),
                "left_out": plan.tally.counts,
            }
        )
        return
    lines = [
        ("set", plan.set_name),
        ("rows", ", ".join(f"{name} {rows}" for name, rows in _split_rows(plan).items())),
        ("images", f"{' x '.join(map(str, plan.image))}, {plan.image_bytes / 1e6:.1f} MB before they are packed"),
    ]
    if report is not None:
        lines += [("size", f"{report.size_bytes / 1e6:.1f} MB"), ("checked", f"layout and values; content {report.content[:12]}")]
    lines += [("source", f"{source.name}: {source.version}") for source in plan.sources]
    lines.append(("licence", "; ".join(sorted({source.licence for source in plan.sources}))))
    lines += [("note", f"{line}: {times}") for line, times in plan.tally.counts.items()]
    title = escape(f"{to}: {'would be written' if report is None else 'written'}")
    table = Table(title=title, title_justify="left", show_header=False)
    for heading, line in lines:
        table.add_row(heading, escape(line))
    out.print(table)


def _split_rows(plan: Plan) -> dict[str, int]:
    rows: dict[str, int] = {}
    for (_, name), count in plan.rows.items():
        rows[name] = rows.get(name, 0) + count
    return rows
