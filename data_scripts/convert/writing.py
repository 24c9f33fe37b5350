"""Carries a plan out: whole or not at all, never over a file unasked, one batch in memory at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_scripts.builder import BuildError, Progress
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import BATCH_ROWS, Plan
from vislab.data.layout.verification import Report
from vislab.data.layout.writer import DatasetWriter

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
LICENCE_NOTE = (
    "The licence is the source's own, as whoever converted the file stated it. Converting changes nothing about it: whether and to whom the"
    " file may be handed on is for the source's terms to say."
)


@dataclass(frozen=True)
class Converted:
    """A file that is now there, and the report of the check that it passed."""

    path: Path
    report: Report


def check_target(path: Path, inputs: Iterable[Path], force: bool) -> None:
    """Refuse a place that the file cannot or must not be written to.

    Raises:
        BuildError: the folder is missing, the path is a folder, an input, no HDF5 file, or a file that ``force`` does not cover.
    """
    if path.is_dir():
        raise BuildError(f"--out {path} is a folder; it must name a file; write --out {path / 'NAME.h5'}")
    if not path.parent.is_dir():
        raise BuildError(f"--out {path}: the folder {path.parent} must exist; make it first")
    for one in inputs:
        # --force must never cost anybody the original.
        if path.exists() and one.exists() and os.path.samefile(path, one):
            raise BuildError(f"--out {path} is the file to be converted; it must be another one; choose another name")
    if path.exists() and force and not _is_hdf5(path):
        # a slip of the keyboard may name a picture or an annotation file.
        raise BuildError(f"--out {path} is no HDF5 file; --force replaces those alone; choose another name")
    if path.exists() and not force:
        raise BuildError(f"--out {path} exists; it is not replaced unasked; pass --force, or choose another name")


def carry_out(plan: Plan, path: Path, progress: Progress) -> Converted:
    """Write a plan's file.

    Args:
        plan: what to write.
        path: where; see ``check_target``.
        progress: shows a step for each ``BATCH_ROWS`` rows.

    Raises:
        SourceInvalid: no row is left, or the source breaks off.
        vislab.data.layout.faults.ContentInvalid: what the source holds breaks the layout.
    """
    step = progress("converting", -(-plan.total // BATCH_ROWS))
    written = 0
    with DatasetWriter(
        path,
        plan.set_name,
        sources=plan.sources,
        generator=plan.generator,
        attributes={**plan.attributes, "licence_note": LICENCE_NOTE},
    ) as writer:
        for table, columns in plan.batches():
            writer.append(table, **columns)
            if "img" in columns:
                steps = (written + len(columns["img"])) // BATCH_ROWS - written // BATCH_ROWS
                written += len(columns["img"])
                for _ in range(steps):
                    step(f"row {written}")
        if not written:
            raise SourceInvalid(f"nothing is left to write{_reasons(plan)}; one row at least must be; look at the source")
        for name, values in plan.dataset_attributes.items():
            writer.set_dataset_attribute(name, **values)
    assert writer.report is not None
    return Converted(path, writer.report)


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def _reasons(plan: Plan) -> str:
    return " (" + ", ".join(f"{line}: {times}" for line, times in plan.tally.counts.items()) + ")" if plan.tally.counts else ""
