"""MPII human pose: annotations and a folder of photographs become the set ``keypoints``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_scripts.builder import Progress
from data_scripts.convert import mpii_json, mpii_mat, person, splits
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.json_stream import top_level
from data_scripts.convert.mpii_mat import Marked
from data_scripts.convert.person import Person
from data_scripts.convert.picture import Pictures
from data_scripts.convert.plan import Plan, Tally
from data_scripts.convert.provenance import Terms, command, sources
from data_scripts.convert.skeleton import MPII

TITLE = "MPII human pose"
MARGIN = 1.25
# MPII's scale counts a person's height in these.
_HEIGHT_PX = 200.0
# its place lies on the trunk; feet reach farther from it than the head does.
_LOWER_PX = 15.0
_SCALE_MAX = 50.0
# PCKh's unit is this share of the diagonal of the head's box.
_HEAD_SHARE = 0.6
_NOBODY = "people left out: no joint labelled"


def plan(
    inputs: Sequence[Path],
    pictures: Pictures,
    *,
    size: int,
    margin: float,
    split: str,
    count: int | None,
    skip: bool,
    terms: Terms,
    progress: Progress,
) -> Plan:
    """Read the annotations and say what will be written; pictures are read later, one at a time.

    Args:
        inputs: the published ``.mat`` file, or JSON lists of people; not both kinds.
        pictures: the folders of photographs.
        size: of the images, pixels.
        margin: side of the crop over the person's height, 200 times ``scale``.
        split: one of ``splits.CHOICES``; ``auto`` reads it off a JSON file's name; the ``.mat`` file tells none: a hash of the video.
        count: people of each file, None for all.
        skip: leave out what is faulty.
        terms: licence and attribution.
        progress: shows stages.

    Convention: MPII counts pixels from 1, so 1 is taken off every coordinate.

    Raises:
        FileNotFoundError: no file there.
        SourceInvalid: another format, truncated, a scale that is none, missing pictures.
    """
    tally, people, groups = Tally(), list[Person](), splits.Groups()
    for path in inputs:
        people += _people(path, pictures, margin, split, count, skip, tally, groups, progress)
    with_head = sum(one.head_size is not None for one in people)
    if 0 < with_head < len(people):
        # a column is there for everybody or not at all.
        tally.add("people left out: no head box", len(people) - with_head)
        people = [one for one in people if one.head_size is not None]
    return Plan(
        "keypoints",
        person.counted(people),
        (3, size, size),
        sources(TITLE, inputs, terms),
        command("mpii", size=size, margin=margin, split=split, count=count, skip_faulty=skip),
        lambda: person.batches(people, pictures, size, skip, tally),
        attributes=MPII.attributes(),
        tally=tally,
    )


def _people(
    path: Path,
    pictures: Pictures,
    margin: float,
    split: str,
    count: int | None,
    skip: bool,
    tally: Tally,
    groups: splits.Groups,
    progress: Progress,
) -> list[Person]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; it must hold MPII's annotations; pass the .mat file as it was published")
    step = progress("reading", None)
    marked: list[Marked] = []
    read = mpii_json.people if top_level(path) in ("[", "{") else mpii_mat.people
    for one in read(path, tally):
        if not np.isfinite(one.joints).all(-1).any():
            tally.add(_NOBODY)
        elif not 0 < one.scale <= _SCALE_MAX:
            if not skip:
                raise SourceInvalid(
                    f"{path}: {one.picture}, annotation {one.annotation}, has the scale {one.scale:g}; it must be in (0, {_SCALE_MAX:g}];"
                    " correct it, or pass --skip-faulty to leave it out"
                )
            tally.add("people left out: scale out of range")
        else:
            marked.append(one)
        step("")
    marked = marked[:count]
    names = list(dict.fromkeys(one.picture for one in marked))
    missing = set(pictures.missing(names))
    if missing and not skip:
        raise SourceInvalid(pictures.told_missing(sorted(missing), len(names)))
    tally.add("people left out: picture missing", sum(one.picture in missing for one in marked))
    told = splits.of_name(path.name)
    made = []
    for one in marked:
        if one.picture not in missing:
            which = splits.chosen(split, told, one.identity)
            made.append(_person(one, margin, which, groups.number(one.identity, which)))
    return made


def _person(one: Marked, margin: float, split: int, group: int) -> Person:
    flags = np.where(np.isfinite(one.joints).all(-1), np.where(one.hidden, 1, 2), 0)
    # to pixel centres from 0, and half a pixel more to where the picture's edge is 0.
    x, y = one.centre[0] - 0.5, one.centre[1] - 0.5 + _LOWER_PX * one.scale
    head = None
    if one.head is not None:
        head = _HEAD_SHARE * float(np.hypot(one.head[2] - one.head[0], one.head[3] - one.head[1]))
    return Person(
        one.picture,
        np.concatenate([one.joints - 1.0, flags[:, None]], axis=1).astype(np.float32),
        (x, y),
        one.scale * _HEIGHT_PX * margin,
        group,
        split,
        one.annotation,
        head_size=head,
    )
