"""From a person marked in a photograph to a row of the set ``keypoints``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, TypeVar

import numpy as np

from data_scripts.convert.faults import PictureInvalid
from data_scripts.convert.picture import Pictures, square
from data_scripts.convert.plan import BATCH_ROWS, Batch, Tally
from data_scripts.convert.splits import NAMES

Thing = TypeVar("Thing")
UNREADABLE = "people left out: picture or crop unusable"


@dataclass(frozen=True, slots=True)
class Person:
    """One annotated person, in pixels of the source's picture.

    Args:
        picture: its name.
        marks: float32 [J, 3]: x, y with pixel centres at whole numbers, and 0 not labelled, 1 labelled, 2 not hidden either; one array,
            since there may be hundreds of thousands of people.
        centre: (x, y) of the crop, from the picture's outer edge.
        side: of the crop, positive.
        group, split, annotation: as the layout has them.
        size: (width, height) of the picture as annotated; None where nobody says.
        box: x0, y0, x1, y1 from the picture's outer edge.
        head_size: in pixels.
        area: in square pixels.
    """

    picture: str
    marks: np.ndarray
    centre: tuple[float, float]
    side: float
    group: int
    split: int
    annotation: int
    size: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None
    head_size: float | None = None
    area: float | None = None


def counted(people: Sequence[Person]) -> dict[tuple[str, str], int]:
    """Return how many people each split has."""
    splits = [person.split for person in people]
    return {("", name): splits.count(code) for code, name in NAMES.items() if code in splits}


def batches(people: Sequence[Person], pictures: Pictures, size: int, skip: bool, tally: Tally) -> Iterator[Batch]:
    """Cut people out of their pictures, some at a time.

    Args:
        people: in order; those of one picture follow each other, so that it is read once.
        pictures: where the pictures are.
        size: of the rows' images.
        skip: leave out what cannot be used, and count it, instead of stopping.
        tally: counts it.

    Raises:
        PictureInvalid: a picture or a crop that cannot be used.
    """
    yield from batched(iter(people), lambda person: row(person, pictures, size), skip, tally, UNREADABLE)


def batched(things: Iterator[Thing], make: Callable[[Thing], dict[str, Any]], skip: bool, tally: Tally, line: str) -> Iterator[Batch]:
    """Make a row of each thing, and batches of rows."""
    waiting: list[dict[str, Any]] = []
    for thing in things:
        try:
            waiting.append(make(thing))
        except PictureInvalid:
            if not skip:
                raise
            tally.add(line)
        if len(waiting) == BATCH_ROWS:
            yield "", joined(waiting)
            waiting = []
    if waiting:
        yield "", joined(waiting)


def joined(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return rows as columns; text as a list."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {name: values if isinstance(values[0], (str, list)) else np.stack(values) for name, values in columns.items()}


def row(person: Person, pictures: Pictures, size: int) -> dict[str, Any]:
    """Return the row of one person.

    Convention: ``x_image = (x - left + .5) * size / side - .5`` for joints, ``(x - left) * size / side`` for boxes.

    Raises:
        PictureInvalid: a picture or a crop that cannot be used.
    """
    picture = pictures.read(person.picture, person.size)
    # whole pixels, so that the crop is exact and nothing is resampled twice.
    side = max(1, floor(person.side + 0.5))
    left, top = (floor(centre - side / 2 + 0.5) for centre in person.centre)
    scale = size / side
    try:
        image = square(picture, left, top, side, size)
    except PictureInvalid as error:
        raise PictureInvalid(f"{person.picture}, annotation {person.annotation}: {error}") from None
    corner = np.array([left, top], np.float64)
    labelled = person.marks[:, 2] > 0
    joints = np.where(labelled[:, None], (person.marks[:, :2] - corner + 0.5) * scale - 0.5, 0).astype(np.float32)
    inside = ((joints >= -0.5) & (joints < size - 0.5)).all(-1)
    made: dict[str, Any] = {
        "img": image,
        "pose_2d": joints,
        "labelled": labelled,
        "visible": (person.marks[:, 2] == 2) & inside,
        "group": np.int32(person.group),
        "split": np.uint8(person.split),
        "crop": np.array([left, top, left + side, top + side], np.float32),
        "picture": person.picture,
        "annotation": np.int64(person.annotation),
    }
    if person.box is not None:
        made["box"] = ((np.array(person.box).reshape(2, 2) - corner) * scale).reshape(4).astype(np.float32)
    if person.head_size is not None:
        made["head_size"] = np.float32(person.head_size * scale)
    if person.area is not None:
        made["person_area"] = np.float32(person.area * scale**2)
    return made
