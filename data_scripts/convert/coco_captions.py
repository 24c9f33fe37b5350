"""COCO's captions: JSON files and folders of photographs become the set ``captions``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_scripts.builder import BuildError, Progress
from data_scripts.convert import coco, splits, words
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.person import batched
from data_scripts.convert.picture import Pictures, whole
from data_scripts.convert.plan import Batch, Plan, Tally
from data_scripts.convert.provenance import Terms, command, sources
from vislab.data.layout.opening import opened, schema_of
from vislab.data.layout.schema import SPLITS

TITLE = "COCO captions"
_REMEDY = "this reads captions_*.json; joints are converted by coco-keypoints"
_UNREADABLE = "pictures left out: unusable"


@dataclass(frozen=True)
class Shape:
    """What a row looks like: side of the image in pixels, how a picture is fitted into it, captions a picture, tokens a caption."""

    size: int
    fit: str
    references: int
    length: int


@dataclass(frozen=True, slots=True)
class _Captioned:
    name: str
    size: tuple[int, int]
    captions: tuple[str, ...]
    group: int
    number: int


def plan(
    inputs: Sequence[Path],
    pictures: Pictures,
    *,
    shape: Shape,
    least: int,
    vocabulary: Path | None,
    split: str,
    count: int | None,
    skip: bool,
    terms: Terms,
    progress: Progress,
) -> Plan:
    """Read the annotations and say what will be written; pictures are read later, one at a time.

    Args:
        inputs: ``captions_*.json``.
        pictures: the folders of photographs.
        shape: what a row looks like.
        least: a word must stand this often in the training captions (in all of them where there is no training split).
        vocabulary: another converted file whose words are taken instead.
        split: one of ``splits.CHOICES``; ``auto`` reads it off each file's name.
        count: pictures of each file, None for all.
        skip: leave out what is faulty.
        terms: licence and attribution.
        progress: shows stages.

    Raises:
        SourceInvalid: see ``coco.read``; missing pictures, pictures with too few captions.
    """
    tally, groups = Tally(), splits.Groups()
    tables: dict[str, list[_Captioned]] = {name: [] for name in SPLITS}
    for path in inputs:
        for name, one in _captioned(path, pictures, shape.references, split, count, skip, tally, groups, progress):
            tables[name].append(one)
    tables = {name: held for name, held in tables.items() if held}
    if vocabulary is None:
        counted = tables.get("train") or [one for held in tables.values() for one in held]
        known = words.count((caption for one in counted for caption in one.captions), least)
    else:
        known = taken(vocabulary)
    return Plan(
        "captions",
        {(name, name): len(held) for name, held in tables.items()},
        (3, shape.size, shape.size),
        sources(TITLE, inputs, terms),
        command(
            "coco-captions",
            size=shape.size,
            fit=shape.fit,
            references=shape.references,
            length=shape.length,
            least=least if vocabulary is None else None,
            split=split,
            count=count,
            skip_faulty=skip,
        ),
        lambda: _batches(tables, known, pictures, shape, skip, tally),
        tally=tally,
    )


def taken(path: Path) -> words.Vocabulary:
    """Return the vocabulary of a converted file.

    Raises:
        BuildError: the file is of another set.
        FileNotFoundError, vislab.data.layout.faults.DataFileError: it cannot be read.
    """
    with opened(path) as file:
        if schema_of(file).name != "captions":
            raise BuildError(f"--vocabulary {path} holds the set {file.attrs['set']}; it must hold captions; pass a file of coco-captions")
        listed = tuple(str(word) for word in file["vocabulary/word"].asstr()[:])
        return words.Vocabulary(listed, tuple(int(times) for times in file["vocabulary/occurrences"][:]))


def _captioned(
    path: Path,
    pictures: Pictures,
    references: int,
    split: str,
    count: int | None,
    skip: bool,
    tally: Tally,
    groups: splits.Groups,
    progress: Progress,
) -> Iterator[tuple[str, _Captioned]]:
    """The pictures of a file that will be written, each with the table it belongs to."""
    read = coco.read(path, _caption, False, progress)
    if skip:
        tally.add("captions left out: of no picture in the file", coco.orphans(read))
    else:
        coco.refuse_orphans(read)
    held: dict[int, list[str]] = {number: [] for number in read.images}
    for _, picture, caption in read.kept:
        if picture in held:
            held[picture].append(caption)
    tally.add("pictures left out: no caption", sum(not captions for captions in held.values()))
    chosen = [number for number, captions in held.items() if captions][:count]
    missing = set(pictures.missing([read.images[number].name for number in chosen]))
    if missing and not skip:
        raise SourceInvalid(pictures.told_missing(sorted(missing), len(chosen)))
    told = splits.of_name(path.name)
    for number in chosen:
        image, captions = read.images[number], held[number]
        if image.name in missing:
            tally.add("pictures left out: missing")
        elif len(captions) < references:
            if not skip:
                raise SourceInvalid(
                    f"{path}: picture {number} has {len(captions)} captions; every one must have {references}; pass"
                    f" --references {len(captions)}, or --skip-faulty to leave it out"
                )
            tally.add("pictures left out: too few captions")
        else:
            tally.add(f"captions left out: beyond the first {references} of a picture", len(captions) - references)
            which = splits.chosen(split, told, image.name)
            group = groups.number(image.name, which)
            yield (
                splits.NAMES[which],
                _Captioned(image.name, (image.width, image.height), tuple(captions[:references]), group, number),
            )


def _caption(one: dict[str, Any], where: str) -> str:
    caption = one.get("caption")
    if not isinstance(caption, str) or "\0" in caption:
        what = "has no 'caption'" if caption is None else f"has the caption {caption!r:.40}"
        raise SourceInvalid(f"{where} {what}; it must be text; {_REMEDY}")
    return " ".join(caption.split())


def _batches(
    tables: dict[str, list[_Captioned]], known: words.Vocabulary, pictures: Pictures, shape: Shape, skip: bool, tally: Tally
) -> Iterator[Batch]:
    numbers = known.numbers()

    def row(one: _Captioned) -> dict[str, Any]:
        image = whole(pictures.read(one.name, one.size), shape.size, shape.fit)
        tokens, cut = words.encoded(one.captions, numbers, shape.length)
        tally.add(f"captions cut to {shape.length - 2} words", cut)
        return {
            "img": image,
            "tokens": tokens,
            "captions": list(one.captions),
            "group": np.int32(one.group),
            "picture": one.name,
            "annotation": np.int64(one.number),
        }

    for name, held in tables.items():
        for _, columns in batched(iter(held), row, skip, tally, _UNREADABLE):
            yield name, columns
    yield "vocabulary", {"word": list(known.listed), "occurrences": np.array(known.occurrences, np.int64)}
