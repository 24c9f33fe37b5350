"""MNIST and what came after it in the same files: IDX pictures and labels become the set ``digits_plain``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_scripts.builder import BuildError
from data_scripts.convert import idx, splits
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import Batch, Plan
from data_scripts.convert.provenance import Terms, command, sources

TITLE = "handwritten digits in IDX files"
# pictures are small here.
_ROWS = 512
_CLASSES = 10


@dataclass(frozen=True)
class _Pair:
    images: idx.Header
    labels: idx.Header
    split: int | None
    name: str


def plan(inputs: Sequence[Path], *, split: str, val_count: int, count: int | None, terms: Terms) -> Plan:
    """Read the heads and say what will be written.

    Args:
        inputs: files of pictures and labels, or folders that hold them; a pair shares its name but for ``images`` and ``labels``.
        split: one of ``splits.CHOICES``; ``auto`` reads it off the names: train, and t10k or test.
        val_count: how many of the last training rows of each pair validate instead.
        count: rows of each pair, None for all.
        terms: licence and attribution.

    Raises:
        BuildError: a picture file without its labels, or the other way round; ``val_count`` out of range.
        FileNotFoundError, SourceInvalid: see ``idx``; different numbers of rows, pictures of different sizes.
    """
    pairs = _pairs([path for one in inputs for path in _files(one)])
    sizes = {pair.images.shape[1:] for pair in pairs}
    if len(sizes) > 1:
        raise SourceInvalid(f"the pictures have the sizes {sorted(sizes)}; they must have one; convert them into files of their own")
    ((height, width),) = sizes
    held = [(pair, min(count or pair.images.shape[0], pair.images.shape[0])) for pair in pairs]
    codes = [_codes(pair, rows, split, val_count) for pair, rows in held]
    if val_count and not any((code == 1).any() for code in codes):
        raise BuildError(f"--val-count {val_count} takes rows from a training file; there is none here; leave it out")
    together = np.concatenate(codes)
    return Plan(
        "digits_plain",
        {("", name): int((together == code).sum()) for code, name in splits.NAMES.items() if (together == code).any()},
        (1, height, width),
        sources(TITLE, [path for pair in pairs for path in (pair.images.path, pair.labels.path)], terms),
        command("mnist", split=split, val_count=val_count or None, count=count),
        lambda: _batches([(pair, code) for (pair, _), code in zip(held, codes)]),
    )


def _files(place: Path) -> list[Path]:
    """A file itself; of a folder every file that is called like one of MNIST's."""
    if not place.is_dir():
        return [place]
    found = sorted(path for path in place.iterdir() if path.is_file() and "-ubyte" in path.name)
    if not found:
        raise FileNotFoundError(f"{place} holds no IDX files; their names must have -ubyte in them; pass the files themselves")
    return found


def _pairs(paths: Sequence[Path]) -> list[_Pair]:
    images: dict[str, idx.Header] = {}
    labels: dict[str, idx.Header] = {}
    for path in dict.fromkeys(paths):
        head = idx.header(path)
        held = images if len(head.shape) == 3 else labels
        name = path.name.split("images")[0].split("labels")[0]
        if name in held:
            raise BuildError(
                f"{path} and {held[name].path} are both called {name}...; a pair must have one file of pictures and one of labels;"
                " leave one out"
            )
        held[name] = head
    for name in sorted(set(images) ^ set(labels)):
        there = images.get(name) or labels[name]
        lacking = "labels" if name in images else "images"
        raise BuildError(
            f"{there.path} has no file of {lacking} beside it; pictures and labels must come in pairs; pass {name}{lacking}-... too"
        )
    pairs = []
    for name in images:
        counts = images[name].shape[0], labels[name].shape[0]
        if counts[0] != counts[1]:
            raise SourceInvalid(
                f"{images[name].path} has {counts[0]} pictures and {labels[name].path} {counts[1]} labels; there must be one for each;"
                " pass the two that belong together"
            )
        pairs.append(_Pair(images[name], labels[name], splits.of_name(name), name))
    # training rows first, whatever the files are called.
    return sorted(pairs, key=lambda pair: (pair.split is None, pair.split, pair.name))


def _codes(pair: _Pair, rows: int, split: str, val_count: int) -> np.ndarray:
    codes = np.array([splits.chosen(split, pair.split, f"{pair.name} {row}") for row in range(rows)], np.uint8)
    if not val_count or not (codes == 0).any():
        return codes
    training = np.flatnonzero(codes == 0)
    if not 0 < val_count < len(training):
        raise BuildError(f"--val-count {val_count} must lie in [0, {len(training)}), the training rows of {pair.images.path}; take fewer")
    codes[training[-val_count:]] = 1
    return codes


def _batches(held: Sequence[tuple[_Pair, np.ndarray]]) -> Iterator[Batch]:
    for pair, codes in held:
        start = 0
        for images, labels in zip(idx.rows(pair.images, _ROWS), idx.rows(pair.labels, _ROWS), strict=True):
            code = codes[start : start + len(images)]
            wrong = np.flatnonzero(labels >= _CLASSES)
            if wrong.size:
                raise SourceInvalid(
                    f"{pair.labels.path}: label {start + int(wrong[0])} is {labels[wrong[0]]}; it must be in [0, {_CLASSES - 1}]; sets of"
                    " more classes have no place in digits_plain; convert one of ten classes"
                )
            if len(code):
                yield "", {"img": images[: len(code), None].copy(), "label": labels[: len(code)].copy(), "split": code}
            start += len(images)
