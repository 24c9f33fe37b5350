"""Bundles: one zip per assignment that is complete on its own, what an instructor publishes."""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring.fault import AuthoringError, Progress, silent
from autograder.authoring.folder import files_below
from autograder.authoring.leaks import Leak, refuse_leaks
from autograder.authoring.rules import read_lessons
from autograder.authoring.wheel import build_wheel
from autograder.exercise.assignment import Assignment

_DATE = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644


@dataclass(frozen=True)
class Bundle:
    """A finished bundle.

    Args:
        path: the zip.
        shared: lines of solutions that modules of the wheel hold, too, one at a time (see ``leaks``).
    """

    path: Path
    shared: tuple[Leak, ...]


def make_bundle(
    assignment: Assignment, root: Path, out: Path, *, data: Path | None = None, wheel: Path | None = None, progress: Progress = silent
) -> Bundle:
    """Zip the release of an assignment with the wheel and its data files.

    Args:
        assignment: whose ``root/release/<assignment>`` is bundled.
        root: the project's folder.
        out: folder that receives ``<assignment>.zip``; an older one is replaced when the new one is complete.
        data: folder that holds the files named by ``data`` in ``assignment.toml``.
        wheel: a wheel of ``vislab`` that is there already, for several bundles in a row; built otherwise.
        progress: is told what happens.

    Raises:
        AuthoringError: no release, a missing data file, a wheel that cannot be built, or a secret line in what would be published.
    """
    release = root / "release" / assignment.name
    if not release.is_dir():
        raise AuthoringError(f"{release} is missing; build the release of {assignment.name} first")
    members = {f"{assignment.name}/{name}": path for name, path in files_below(release).items()}
    for name in assignment.data:
        path = (data or root / "data") / name
        if not path.is_file():
            raise AuthoringError(f"{path} is missing; {assignment.name} needs this data file: build it with 'make data'")
        members[f"{assignment.name}/{name}"] = path
    if told := sorted(name for name in members if Path(name).name in assignment.hidden_data):
        raise AuthoringError(f"{told[0]} is hidden data and must not be handed out; remove it from {release}")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{assignment.name}.", dir=out) as scratch:
        if wheel is None:
            progress("vislab: building the wheel")
            wheel = build_wheel(root, Path(scratch) / "wheel")
        members[f"{assignment.name}/{wheel.name}"] = wheel
        progress(f"{assignment.name}: packing {len(members)} files")
        packed = Path(scratch) / f"{assignment.name}.zip"
        _pack(packed, members)
        progress(f"{assignment.name}: searching the bundle for solutions")
        shared = refuse_leaks([packed], assignment, read_lessons(assignment))
        target = out / packed.name
        os.replace(packed, target)
    return Bundle(target, tuple(shared))


def _pack(path: Path, members: dict[str, Path]) -> None:
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in sorted(members.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = _FILE_MODE << 16
            archive.writestr(entry, source.read_bytes(), compresslevel=9)
