"""Drawings as they lie in the pinned wheel: which folders are read, under which licence, and which drawings are left out."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

from data_scripts.builder import BuildError

PACKAGE = "mkdocs-material"
_BLOCKED = Path(__file__).with_name("blocked.txt")


@dataclass(frozen=True)
class Family:
    """One folder of the wheel.

    ``name`` is stored with every icon of it; ``licence`` is an SPDX expression; ``attribution`` is what the licence asks to be said.
    """

    name: str
    folder: str
    licence: str
    attribution: str


FAMILIES = (
    Family("material", "material", "Apache-2.0", "Material Design Icons by the Pictogrammers, pictogrammers.com"),
    Family(
        "fontawesome-solid",
        "fontawesome/solid",
        "CC-BY-4.0",
        "Font Awesome Free by Fonticons, Inc., fontawesome.com; redrawn as bitmaps and outlines",
    ),
    Family(
        "fontawesome-regular",
        "fontawesome/regular",
        "CC-BY-4.0",
        "Font Awesome Free by Fonticons, Inc., fontawesome.com; redrawn as bitmaps and outlines",
    ),
    Family("octicons", "octicons", "MIT", "Octicons, copyright (c) GitHub Inc."),
)


class DrawingError(BuildError):
    """A folder of drawings or a single one that cannot be read."""


@dataclass(frozen=True)
class Drawing:
    """One SVG: its name (the file's), its family and the ``d`` attribute of each of its paths."""

    name: str
    family: Family
    paths: tuple[str, ...]

    @property
    def outlined(self) -> bool:
        """Whether its name or family says that it is drawn as an outline, not filled."""
        if self.family.name == "octicons":
            return "-fill-" not in self.name and "-filled-" not in self.name
        return self.family.name == "fontawesome-regular" or self.name.endswith("-outline")


def wheel_folder() -> Path:
    """Return the folder of drawings inside the installed wheel.

    Raises:
        DrawingError: the package is not installed, or has no such folder.
    """
    remedy = f"pip install --no-deps --constraint constraints.txt {PACKAGE}"
    try:
        files = metadata.files(PACKAGE)
    except metadata.PackageNotFoundError:
        raise DrawingError(f"the package {PACKAGE}, which holds the drawings, must be installed; {remedy}") from None
    marker = next((file for file in files or () if file.as_posix().endswith("templates/.icons/material/LICENSE")), None)
    folder = None if marker is None else Path(str(marker.locate())).parents[1]
    if folder is None or not folder.is_dir():
        raise DrawingError(f"{PACKAGE} {metadata.version(PACKAGE)} must hold templates/.icons; install the pinned version: {remedy}")
    return folder


def blocked_patterns(path: Path = _BLOCKED) -> tuple[str, ...]:
    """Return the patterns of drawings that are left out, as ``folder/name``."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def drawing_files(folder: Path, patterns: Sequence[str]) -> Iterator[tuple[Family, Path]]:
    """Yield the files to read, family after family and by name, without those that a pattern leaves out.

    Args:
        folder: holds the folders named in ``FAMILIES``; one that is missing is an error.
        patterns: as of :func:`blocked_patterns`.

    Raises:
        DrawingError: a family's folder is missing.
    """
    left_out = [re.compile(fnmatch.translate(pattern)) for pattern in patterns]
    for family in FAMILIES:
        place = folder / family.folder
        if not place.is_dir():
            raise DrawingError(
                f"{folder} must hold the folder {family.folder}; take the one of {PACKAGE}, at the version in constraints.txt"
            )
        for path in sorted(place.glob("*.svg"), key=lambda path: path.stem):
            if not any(pattern.match(f"{family.folder}/{path.stem}") for pattern in left_out):
                yield family, path


def read_drawing(family: Family, path: Path) -> Drawing:
    """Return one drawing.

    Raises:
        DrawingError: the file is no SVG, draws with anything but filled paths, or has no path at all.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise DrawingError(f"{path.name} must be an SVG ({error}); remove it or save it again") from error
    paths = []
    for element in root.iter():
        tag = str(element.tag).rpartition("}")[2]
        odd = sorted({"transform", "stroke", "fill-rule", "style", "clip-path"} & set(element.attrib))
        if tag not in ("svg", "path") or odd:
            what = f"<{tag}>" if tag not in ("svg", "path") else f"the attribute {odd[0]}"
            raise DrawingError(f"{path.name} must draw with plain <path d=...> alone, and has {what}; convert its shapes to filled paths")
        if tag == "path":
            paths.append(element.get("d", ""))
    if not any(paths):
        raise DrawingError(f"{path.name} must have a <path>, and has none; remove it")
    return Drawing(path.stem, family, tuple(paths))
