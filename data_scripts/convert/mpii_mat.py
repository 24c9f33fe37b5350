"""MPII's annotations as published: one MATLAB structure, ``RELEASE``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_scripts.convert import mat_file
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import Tally
from data_scripts.convert.skeleton import MPII

_REMEDY = "pass mpii_human_pose_v1_u12_1.mat"


@dataclass(frozen=True, slots=True)
class Marked:
    """One person as MPII marks people, in MATLAB's pixels: the first one is 1.

    Args:
        picture: its name.
        joints: float64 [16, 2], NaN where not labelled.
        hidden: bool [16], what the source calls hidden.
        centre: (x, y), ``objpos``.
        scale: height of the person in units of 200 pixels.
        identity: of the video, or of the picture where no video is known.
        annotation: number.
        head: x1, y1, x2, y2 of the head's box.
    """

    picture: str
    joints: np.ndarray
    hidden: np.ndarray
    centre: tuple[float, float]
    scale: float
    identity: str
    annotation: int
    head: tuple[float, float, float, float] | None = None


def people(path: Path, tally: Tally) -> Iterator[Marked]:
    """Read everybody whose joints are published, in the order of the file.

    Args:
        path: the ``.mat`` file, of MATLAB's format 5 to 7; read as a whole.
        tally: counts who is left out.

    Raises:
        SourceInvalid: no such file, or without what MPII's structure holds.
    """
    release = _release(path, tally)
    pictures = _many(_need(release, "annolist", f"{path}: RELEASE"))
    training = np.atleast_1d(np.asarray(_need(release, "img_train", f"{path}: RELEASE")))
    if training.dtype.kind not in "buif":
        raise SourceInvalid(f"{path}: img_train holds {training.dtype}; it must hold 0 or 1 for each picture; {_REMEDY}")
    if len(training) != len(pictures):
        raise SourceInvalid(
            f"{path}: img_train has {len(training)} numbers and annolist {len(pictures)} pictures; there must be one for each"
        )
    for number, (one, trains) in enumerate(zip(pictures, training)):
        where = f"{path}: annolist({number + 1})"
        if not trains:
            tally.add("pictures left out: of the test set, whose joints are not published")
            continue
        name = _need(_need(one, "image", where), "name", f"{where}.image")
        video = _maybe_number(one, "vididx", where)
        identity = f"video {int(video)}" if video is not None else f"picture {name}"
        for rank, rect in enumerate(_many(_get(one, "annorect"))):
            marked = _marked(rect, str(name), identity, 1000 * number + rank, f"{where}.annorect({rank + 1})", tally)
            if marked is not None:
                yield marked


def _release(path: Path, tally: Tally) -> Any:
    # only here, so that other formats do not need it.
    from scipy.io import loadmat

    if not mat_file.has_checksums(path, _REMEDY):
        tally.add("annotation files without checksums, whose damage cannot be told; save them with -v7 in MATLAB")
    try:
        held = loadmat(path, struct_as_record=False, squeeze_me=True, variable_names=["RELEASE"])
    # SciPy meets what it does not expect with whatever its parser tripped over.
    except Exception as error:
        raise SourceInvalid(f"{path} is no MATLAB file, or is damaged or truncated: {error}; copy it again; {_REMEDY}") from error
    if "RELEASE" not in held:
        raise SourceInvalid(f"{path} lacks the variable RELEASE, which must hold MPII's annotations; {_REMEDY}")
    return held["RELEASE"]


def _marked(rect: Any, name: str, identity: str, annotation: int, where: str, tally: Tally) -> Marked | None:
    points = _get(rect, "annopoints")
    points = None if points is None else _get(points, "point")
    if points is None:
        tally.add("people left out: no joint labelled")
        return None
    scale, place = _maybe_number(rect, "scale", where), _get(rect, "objpos")
    if scale is None or place is None:
        tally.add("people left out: no scale or place given")
        return None
    joints, hidden = np.full((len(MPII.names), 2), np.nan), np.zeros(len(MPII.names), bool)
    for point in _many(points):
        joint = _number(point, "id", where)
        if joint not in range(len(MPII.names)):
            raise SourceInvalid(f"{where}: a point has the id {joint:g}; it must be a whole number in [0, 15]; {_REMEDY}")
        if np.isfinite(joints[int(joint)]).all():
            tally.add("joints given twice: the first one counts")
            continue
        joints[int(joint)] = _number(point, "x", where), _number(point, "y", where)
        # neck and head top say nothing about it; some files write digits as text.
        hidden[int(joint)] = _maybe_number(point, "is_visible", where) == 0
    corners = [_maybe_number(rect, corner, where) for corner in ("x1", "y1", "x2", "y2")]
    head = None if any(corner is None for corner in corners) else tuple(corners)
    centre = _number(place, "x", where), _number(place, "y", where)
    return Marked(name, joints, hidden, centre, scale, identity, annotation, head)  # type: ignore[arg-type]


def _many(held: Any) -> list[Any]:
    """A structure array as a list; SciPy squeezes one of length 1 and leaves an empty array for none."""
    return [] if held is None else list(np.atleast_1d(np.asarray(held, dtype=object)).reshape(-1))


def _get(held: Any, name: str) -> Any:
    """A field, None where it is missing or empty."""
    found = getattr(held, name, None)
    return None if found is None or (isinstance(found, np.ndarray) and found.size == 0) else found


def _need(held: Any, name: str, where: str) -> Any:
    found = _get(held, name)
    if found is None:
        raise SourceInvalid(f"{where} lacks the field {name}, which MPII's annotations have; {_REMEDY}")
    return found


def _maybe_number(held: Any, name: str, where: str) -> float | None:
    return None if _get(held, name) is None else _number(held, name, where)


def _number(held: Any, name: str, where: str) -> float:
    found = _need(held, name, where)
    try:
        number = float(found)
    except (TypeError, ValueError):
        number = np.nan
    if not abs(number) < 1e9:
        raise SourceInvalid(f"{where}: {name} is {found!r:.40}; it must be a finite number; {_REMEDY}")
    return number
