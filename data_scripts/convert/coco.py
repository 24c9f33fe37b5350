"""What COCO's annotation files have in common: pictures by number, annotations that name one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from data_scripts.builder import Progress
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.json_stream import elements

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Image:
    """One entry of ``images``."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Annotations(Generic[Kept]):
    """One annotation file: pictures by number, categories, and of each kept annotation its number, its picture's, and what was kept."""

    path: Path
    images: dict[int, Image]
    categories: list[dict[str, Any]]
    kept: list[tuple[int, int, Kept]]


def read(path: Path, keep: Callable[[dict[str, Any], str], Kept | None], categories: bool, progress: Progress) -> Annotations[Kept]:
    """Read a file, annotation by annotation.

    Args:
        path: the JSON file.
        keep: called with an annotation and how to name it in an error; returns what to keep of it, None to leave it out.
        categories: whether the file must have categories.
        progress: shows a step for each thousand annotations.

    Raises:
        FileNotFoundError: no file there.
        SourceInvalid: truncated, another format, a number twice, an annotation of a picture that the file does not have.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; it must be a COCO annotation file; pass the JSON file as it was published")
    images: dict[int, Image] = {}
    groups: list[dict[str, Any]] = []
    kept: list[tuple[int, int, Kept]] = []
    seen: set[int] = set()
    step = progress("reading", None)
    for array, number, one in elements(path, ["images", "annotations", *(["categories"] if categories else [])]):
        where = f"{path}: {array}[{number}]"
        if not isinstance(one, dict):
            raise SourceInvalid(f"{where} is {one!r:.40}; it must be an object; pass the annotation file as it was published")
        if array == "images":
            key = _whole(one, "id", where)
            if key in images:
                raise SourceInvalid(f"{where} has the id {key}, which another picture has; ids must differ; copy the file again")
            images[key] = Image(_text(one, "file_name", where), _whole(one, "width", where), _whole(one, "height", where))
        elif array == "categories":
            groups.append(one)
        else:
            key, picture = _whole(one, "id", where), _whole(one, "image_id", where)
            if key in seen:
                raise SourceInvalid(f"{where} has the id {key}, which another annotation has; ids must differ; copy the file again")
            seen.add(key)
            thing = keep(one, where)
            if thing is not None:
                kept.append((key, picture, thing))
            if number % 1000 == 0:
                step("")
    return Annotations(path, images, groups, kept)


def orphans(annotations: Annotations[Any]) -> int:
    """Return how many annotations are of no picture of the file."""
    return sum(picture not in annotations.images for _, picture, _ in annotations.kept)


def refuse_orphans(annotations: Annotations[Any]) -> None:
    """Stop where an annotation is of no picture of the file."""
    for key, picture, _ in annotations.kept:
        if picture not in annotations.images:
            raise SourceInvalid(
                f"{annotations.path}: annotation {key} is of picture {picture}, which images does not list; {orphans(annotations)}"
                " annotations are; every one must have its picture; copy the file again, or pass --skip-faulty to leave them out"
            )


def numbers(one: dict[str, Any], key: str, count: int, where: str, remedy: str) -> list[float]:
    """Return a list of numbers of an annotation.

    Raises:
        SourceInvalid: it is missing, or not ``count`` numbers.
    """
    if key not in one:
        raise SourceInvalid(f"{where} has no {key!r}; it must hold {count} numbers; {remedy}")
    values = one[key]
    plain = isinstance(values, list) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    if not plain or len(values) != count or not all(abs(value) < 1e9 for value in values):
        raise SourceInvalid(f"{where}: {key} is {values!r:.60}; it must hold {count} finite numbers; {remedy}")
    return [float(value) for value in values]


def _whole(one: dict[str, Any], key: str, where: str) -> int:
    value = one.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise SourceInvalid(f"{where}: {key} is {value!r:.40}; it must be a whole number; pass the annotation file as it was published")
    return value


def _text(one: dict[str, Any], key: str, where: str) -> str:
    value = one.get(key)
    if not isinstance(value, str) or not value:
        raise SourceInvalid(f"{where}: {key} is {value!r:.40}; it must be text; pass the annotation file as it was published")
    return value
