"""The original course's icon file (``img``, ``polygon``, no attributes) becomes the set ``icons_plain``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from data_scripts.builder import Progress
from data_scripts.convert import hdf5_source, splits
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import Batch, Plan, Tally
from data_scripts.convert.provenance import Terms, command, sources
from vislab.data.layout.conventions import signed_area
from vislab.data.layout.opening import opened

TITLE = "ImagerIcon"
_ROWS = 512
_REMEDY = "pass the original icon file"
# of what is standardised nothing comes near it.
_REACH_MOST = 1e4
# closer than this to mean 0 and deviation 1 the numbers stay as they are, bit by bit.
_STANDARDISED = 1e-4
# of a standard deviation: vertices of one outline agree to this.
_SAME_VERTEX = 1e-3


@dataclass(frozen=True)
class _Survey:
    mean: np.ndarray
    deviation: np.ndarray
    reversed_count: int
    group: np.ndarray
    split: np.ndarray


def plan(path: Path, *, split: str, count: int | None, terms: Terms, progress: Progress) -> Plan:
    """Look through the outlines and say what will be written.

    Args:
        path: the file.
        split: one of ``splits.CHOICES``; the file says nothing itself, so ``auto`` is the hash.
        count: the first rows alone, None for all.
        terms: licence and attribution.
        progress: shows a step for each piece.

    Convention: outlines run clockwise on the screen and are standardised over the rows that are written; what is so already stays as it is.

    Raises:
        FileNotFoundError, vislab.data.layout.faults.DataFileError: no such file, damaged, another one.
    """
    with opened(path) as file:
        img, polygon = _datasets(path, file)
        rows = min(count or len(img), len(img))
        seen = _survey(path, img, polygon, rows, split, progress)
        image = (int(img.shape[1]), int(img.shape[2]), int(img.shape[3]))
    tally = Tally()
    tally.add("outlines reversed to run clockwise on the screen", seen.reversed_count)
    tally.add("rows that share their outline or picture with an earlier one", rows - len(np.unique(seen.group)))
    off = max(np.abs(seen.mean).max(), np.abs(seen.deviation - 1).max())
    if off > _STANDARDISED:
        tally.add("rows standardised anew", rows)
    return Plan(
        "icons_plain",
        {("", name): int((seen.split == code).sum()) for code, name in splits.NAMES.items() if (seen.split == code).any()},
        image,
        sources(TITLE, [path], terms),
        command("icons", split=split, count=count),
        lambda: _batches(path, seen, rows, off > _STANDARDISED),
        tally=tally,
    )


def _datasets(path: Path, file: h5py.File) -> tuple[h5py.Dataset, h5py.Dataset]:
    hdf5_source.refuse_layout(file)
    img = hdf5_source.dataset(file, "img", "pictures, uint8 (n, 3, H, W)", _REMEDY)
    polygon = hdf5_source.dataset(file, "polygon", "outlines, float (n, 96, 2)", _REMEDY)
    if img.dtype != np.uint8 or img.ndim != 4 or img.shape[1] != 3:
        raise SourceInvalid(f"{path}: img is {img.dtype} {img.shape}; it must be uint8 (n, 3, H, W); {_REMEDY}")
    if polygon.dtype.kind != "f" or polygon.shape[1:] != (96, 2):
        raise SourceInvalid(f"{path}: polygon is {polygon.dtype} {polygon.shape}; it must be float (n, 96, 2); {_REMEDY}")
    hdf5_source.one_length(path, {"img": img, "polygon": polygon})
    return img, polygon


def _survey(path: Path, img: h5py.Dataset, polygon: h5py.Dataset, rows: int, split: str, progress: Progress) -> _Survey:
    step = progress("outlines", None)
    total, squares, reversed_count = np.zeros(2), np.zeros(2), 0
    owner: dict[bytes, int] = {}
    group, code = np.empty(rows, np.int32), np.empty(rows, np.uint8)
    for piece in hdf5_source.pieces(rows, hdf5_source.piece_rows(img, _ROWS)):
        outlines, images = polygon[piece].astype(np.float64), img[piece]
        hdf5_source.within(outlines, _REACH_MOST, "polygon", piece.start, path, _REMEDY)
        area = signed_area(outlines)
        flat = np.flatnonzero(area == 0)
        if flat.size:
            raise SourceInvalid(f"{path}: polygon[{piece.start + int(flat[0])}] covers nothing; an outline must have an inside; {_REMEDY}")
        reversed_count += int((area > 0).sum())
        total += outlines.sum((0, 1))
        squares += (outlines**2).sum((0, 1))
        for row, outline, image in zip(range(piece.start, piece.stop), outlines, images):
            # a picture or an outline seen before, from whichever vertex on, makes this row a member of that group.
            keys = [_outline_digest(outline), hashlib.blake2b(image.tobytes(), digest_size=16).digest()]
            known = [owner[key] for key in keys if key in owner]
            # sentinel-free: the first row of a group names it; two groups that turn out to be one are joined below.
            group[row] = min(known, default=row)
            for number in set(known):
                if number != group[row]:
                    group[:row][group[:row] == number] = group[row]
                    owner = {key: int(group[row]) if value == number else value for key, value in owner.items()}
            for key in keys:
                owner[key] = int(group[row])
        step("")
    first = {int(number): _outline_digest(polygon[int(number)].astype(np.float64)).hex() for number in np.unique(group)}
    for row in range(rows):
        code[row] = splits.chosen(split, None, first[int(group[row])])
    vertices = rows * polygon.shape[1]
    mean = total / vertices
    return _Survey(mean, np.sqrt(squares / vertices - mean**2), reversed_count, group, code)


def _outline_digest(outline: np.ndarray) -> bytes:
    """A digest of the vertices, whichever comes first and whichever way round; a repeated vertex counts once."""
    vertices = np.unique(np.round(outline / _SAME_VERTEX).astype(np.int64), axis=0)
    return hashlib.blake2b(vertices.tobytes(), digest_size=16).digest()


def _batches(path: Path, seen: _Survey, rows: int, anew: bool) -> Iterator[Batch]:
    with opened(path) as file:
        for piece in hdf5_source.pieces(rows, hdf5_source.piece_rows(file["img"], _ROWS)):
            outlines = file["polygon"][piece].astype(np.float32)
            backwards = signed_area(outlines) > 0
            # from the first vertex on the other way round.
            outlines[backwards, 1:] = outlines[backwards, :0:-1]
            if anew:
                outlines = ((outlines.astype(np.float64) - seen.mean) / seen.deviation).astype(np.float32)
            yield "", {"img": file["img"][piece], "polygon": outlines, "group": seen.group[piece], "split": seen.split[piece]}
