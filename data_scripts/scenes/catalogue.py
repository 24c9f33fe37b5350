"""What scenes are made of: the nouns, the drawings of each, and which of these are kept for the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_scripts.builder import BuildError
from data_scripts.icons.assembly import GROUP, rendered
from data_scripts.icons.bitmap import Stamp
from data_scripts.icons.contour import path_rings
from data_scripts.icons.drawing import FAMILIES, Drawing, read_drawing
from data_scripts.icons.likeness import alike, components, levels, likeness
from data_scripts.icons.pairs import twins
from data_scripts.icons.silhouette import silhouettes

TRAIN, TEST = 0, 2
_TABLE = Path(__file__).with_name("nouns.txt")


class CatalogueError(BuildError):
    """The table of nouns cannot be used."""


@dataclass(frozen=True)
class Entry:
    """One line's drawing: the noun it shows, ``folder/name`` in the wheel, and 0 for training or 2 for the test."""

    noun: str
    place: str
    split: int


@dataclass(frozen=True)
class Shape:
    """One drawing.

    ``paths``: for each path of the SVG its rings, float64 [points, 2], y down; ``noun`` counts the nouns; drawings that are alike have one
    ``group``.
    """

    place: str
    noun: int
    split: int
    group: int
    paths: tuple[tuple[np.ndarray, ...], ...]


@dataclass(frozen=True)
class Catalogue:
    """All nouns and drawings; what files call a drawing is its place in ``shapes``."""

    nouns: tuple[str, ...]
    shapes: tuple[Shape, ...]

    def of(self, noun: int, split: int) -> list[int]:
        """Return the numbers of a noun's drawings in a split."""
        return [number for number, shape in enumerate(self.shapes) if shape.noun == noun and shape.split == split]


def read_table(path: Path = _TABLE) -> list[Entry]:
    """Return the entries of the table of nouns, line by line.

    Raises:
        CatalogueError: a line that does not read ``NOUN: drawings > drawings``, a noun or a drawing that comes twice.
    """
    entries: list[Entry] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        noun, colon, rest = line.partition(":")
        sides = [side.split() for side in rest.split(">")]
        if not colon or len(sides) != 2 or not all(sides):
            raise CatalogueError(
                f"{path.name} line {number} {line[:40]!r} must read NOUN: drawings > drawings;"
                " name one drawing at least on either side of >"
            )
        for split, places in zip((TRAIN, TEST), sides):
            entries += [Entry(noun.strip(), place, split) for place in places]
        mine = [entry.place for entry in entries]
        if len(set(mine)) < len(mine) or noun.strip() in {entry.noun for entry in entries[: len(entries) - len(sides[0] + sides[1])]}:
            raise CatalogueError(f"{path.name} line {number}: {noun.strip()!r} or one of its drawings stands above already; keep it once")
    return entries


def read_drawings(folder: Path, entries: Sequence[Entry]) -> list[Drawing]:
    """Return the drawings of the entries.

    Args:
        folder: holds the folders of drawings, as of :func:`data_scripts.icons.drawing.wheel_folder`.
        entries: as of :func:`read_table`.

    Raises:
        CatalogueError: no such drawing, or a folder whose licence nobody wrote down.
    """
    families = {family.folder: family for family in FAMILIES}
    found = []
    for entry in entries:
        place, _, name = entry.place.rpartition("/")
        path = folder / place / f"{name}.svg"
        if place not in families or not path.is_file():
            raise CatalogueError(f"{entry.place} must be a drawing of the folders {', '.join(families)}; correct nouns.txt")
        found.append(read_drawing(families[place], path))
    return found


def catalogue(folder: Path, entries: Sequence[Entry]) -> Catalogue:
    """Return nouns and drawings, with the groups of those that are alike.

    Drawings are in one group, as they are among the icons, when their bitmaps or silhouettes are .95 alike or when they are a filled and
    outlined pair.

    Raises:
        CatalogueError: a group lies on both sides, so that a test drawing would be known from training.
    """
    drawings = read_drawings(folder, entries)
    group = groups(drawings)
    nouns = tuple(dict.fromkeys(entry.noun for entry in entries))
    for number in np.unique(group):
        members = [entry for entry, other in zip(entries, group) if other == number]
        if len({entry.split for entry in members}) > 1:
            places = ", ".join(entry.place for entry in members)
            raise CatalogueError(f"{places} are too alike to stand on both sides of >; move them to one side in nouns.txt")
    shapes = [
        Shape(entry.place, nouns.index(entry.noun), entry.split, int(number), tuple(tuple(path_rings(d)) for d in drawing.paths))
        for entry, drawing, number in zip(entries, drawings, group)
    ]
    return Catalogue(nouns, tuple(shapes))


def groups(drawings: Sequence[Drawing]) -> np.ndarray:
    """Return group numbers, int32 [n]: drawings that are alike, or a filled and outlined pair, share one."""
    pictures, outlined, shapes = _views(drawings)
    pairs = twins([(drawing.family.name, drawing.name) for drawing in drawings])
    links = [(i, j) for i, j, _ in alike(pictures, GROUP)]
    links += [(outlined[i], outlined[j]) for i, j, _ in alike(shapes, GROUP)]
    return components(len(drawings), [*links, (pairs[:, 0], pairs[:, 1])])


def nearest(drawings: Sequence[Drawing], splits: np.ndarray) -> float:
    """Return how alike the most alike two drawings of different splits are, in their bitmaps or their silhouettes."""
    pictures, outlined, shapes = _views(drawings)
    best = 0.0
    for values, rows in ((pictures, np.arange(len(drawings))), (shapes, outlined)):
        apart = splits[rows][:, None] != splits[rows][None]
        if apart.any():
            best = max(best, float(likeness(values, values)[apart].max()))
    return best


def _views(drawings: Sequence[Drawing]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bitmaps of all, the rows of those with an outline, and the silhouettes of these."""
    stamp = Stamp()
    made = [rendered(drawing, stamp) for drawing in drawings]
    outlined = np.array([row for row, one in enumerate(made) if one.outline is not None], dtype=np.int64)
    shapes = silhouettes([one.outline for one in made if one.outline is not None])
    return levels(np.stack([one.alpha for one in made])), outlined, shapes
