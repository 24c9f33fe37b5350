"""COCO's person keypoints: a JSON file and a folder of photographs become the set ``keypoints``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_scripts.builder import Progress
from data_scripts.convert import coco, person, splits
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.person import Person
from data_scripts.convert.picture import Pictures
from data_scripts.convert.plan import Plan, Tally
from data_scripts.convert.provenance import Terms, command, sources
from data_scripts.convert.skeleton import COCO

TITLE = "COCO person keypoints"
MARGIN = 1.25
_REMEDY = "this reads person_keypoints_*.json; captions are converted by coco-captions"
_NOBODY = "people left out: no joint labelled"


class _Kept(NamedTuple):
    marks: np.ndarray  # float32 [17, 3]: x, y, flag
    box: tuple[float, float, float, float]
    area: float
    category: int


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
        inputs: ``person_keypoints_*.json``.
        pictures: the folders of photographs.
        size: of the images, pixels.
        margin: side of the crop over the longer side of the person's box.
        split: one of ``splits.CHOICES``; ``auto`` reads it off each file's name.
        count: people of each file, None for all.
        skip: leave out what is faulty.
        terms: licence and attribution.
        progress: shows stages.

    Convention: COCO counts joints in whole pixels from 0, which is where our pixel centres lie: they are taken over as they are. Boxes are
        measured from the picture's outer edge.

    Raises:
        SourceInvalid: see ``coco.read``; other joints than COCO's, missing pictures.
    """
    tally, people, groups = Tally(), list[Person](), splits.Groups()
    for path in inputs:
        people += _people(path, pictures, margin, split, count, skip, tally, groups, progress)
    return Plan(
        "keypoints",
        person.counted(people),
        (3, size, size),
        sources(TITLE, inputs, terms),
        command("coco-keypoints", size=size, margin=margin, split=split, count=count, skip_faulty=skip),
        lambda: person.batches(people, pictures, size, skip, tally),
        attributes=COCO.attributes(),
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
    def keep(one: dict[str, Any], where: str) -> _Kept | None:
        if one.get("iscrowd"):
            tally.add("annotations left out: crowds")
            return None
        return _kept(one, where)

    read = coco.read(path, keep, True, progress)
    category = _category(read)
    if skip:
        tally.add("people left out: of no picture in the file", coco.orphans(read))
    else:
        coco.refuse_orphans(read)
    order = {number: place for place, number in enumerate(read.images)}
    found = []
    for key, picture, one in sorted((each for each in read.kept if each[1] in order), key=lambda each: order[each[1]]):
        if one.category != category:
            tally.add("annotations left out: not of people")
        elif not (one.marks[:, 2] > 0).any():
            tally.add(_NOBODY)
        elif not (one.box[2] > 0 and one.box[3] > 0):
            if not skip:
                raise SourceInvalid(
                    f"{path}: annotation {key} has the bbox {list(one.box)}; width and height must be positive; correct it, or pass"
                    " --skip-faulty to leave it out"
                )
            tally.add("people left out: an empty box")
        else:
            found.append((key, read.images[picture], one))
    found = found[:count]
    names = list(dict.fromkeys(image.name for _, image, _ in found))
    missing = set(pictures.missing(names))
    if missing and not skip:
        raise SourceInvalid(pictures.told_missing(sorted(missing), len(names)))
    tally.add("people left out: picture missing", sum(image.name in missing for _, image, _ in found))
    told = splits.of_name(path.name)
    made = []
    for key, image, one in found:
        if image.name not in missing:
            which = splits.chosen(split, told, image.name)
            made.append(_person(key, image, one, margin, which, groups.number(image.name, which)))
    return made


def _kept(one: dict[str, Any], where: str) -> _Kept:
    joints = np.array(coco.numbers(one, "keypoints", 51, where, _REMEDY), np.float32).reshape(17, 3)
    wrong = np.flatnonzero(~np.isin(joints[:, 2], (0, 1, 2)))
    if wrong.size:
        raise SourceInvalid(
            f"{where}: keypoint {int(wrong[0])} has the flag {joints[wrong[0], 2]:g}; it must be 0 (not labelled), 1 (hidden) or 2;"
            f" {_REMEDY}"
        )
    x, y, width, height = coco.numbers(one, "bbox", 4, where, _REMEDY)
    area = one.get("area", 0)
    category = one.get("category_id", -1)
    if not isinstance(area, (int, float)) or not 0 <= area < 1e12 or not isinstance(category, int):
        raise SourceInvalid(f"{where}: area {area!r:.20} and category_id {category!r:.20} must be numbers, area 0 or more; {_REMEDY}")
    return _Kept(joints, (x, y, width, height), float(area), category)


def _category(read: coco.Annotations[_Kept]) -> int:
    """The number of the category with COCO's 17 joints."""
    told = [one for one in read.categories if one.get("keypoints")]
    names = [[str(name).replace("_", " ") for name in one["keypoints"]] for one in told]
    for one, joints in zip(told, names):
        if joints == list(COCO.names) and isinstance(one.get("id"), int):
            return int(one["id"])
    seen = ", ".join(names[0][:4]) + " ..." if names else "no joints"
    raise SourceInvalid(f"{read.path}: categories has {seen}; one category must have COCO's 17 joints, nose first; {_REMEDY}")


def _person(key: int, image: coco.Image, one: _Kept, margin: float, split: int, group: int) -> Person:
    x, y, width, height = one.box
    return Person(
        image.name,
        one.marks,
        (x + width / 2, y + height / 2),
        max(width, height) * margin,
        group,
        split,
        key,
        (image.width, image.height),
        (x, y, x + width, y + height),
        area=one.area,
    )
