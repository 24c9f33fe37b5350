"""MPII's annotations in the JSON form that most public training code reads: a list of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data_scripts.convert.coco import numbers
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.json_stream import items
from data_scripts.convert.mpii_mat import Marked
from data_scripts.convert.plan import Tally
from data_scripts.convert.skeleton import MPII

_REMEDY = "each person must have image, center, scale, joints and joints_vis"


def people(path: Path, tally: Tally) -> Iterator[Marked]:
    """Read everybody whose joints are there.

    Args:
        path: a list of objects with ``image``, ``center``, ``scale``, ``joints`` (16 pairs) and ``joints_vis`` (16 flags).
        tally: counts who is left out.

    Convention: as in MATLAB the first pixel is 1. The flag tells whether a joint is labelled; nothing is called hidden.

    Raises:
        SourceInvalid: truncated, or of another form.
    """
    for number, one in items(path):
        where = f"{path}: person {number}"
        if not isinstance(one, dict) or not isinstance(one.get("image"), str):
            raise SourceInvalid(f"{where} is {one!r:.60}; it must be an object with the name of its image; {_REMEDY}")
        if "joints" not in one:
            tally.add("people left out: no joint labelled")
            continue
        joints = np.array([_pair(pair, where) for pair in _list(one, "joints", where)])
        flags = np.array(numbers(one, "joints_vis", len(MPII.names), where, _REMEDY))
        joints[flags == 0] = np.nan
        x, y = numbers(one, "center", 2, where, _REMEDY)
        (scale,) = numbers({"scale": [one.get("scale")]}, "scale", 1, where, _REMEDY)
        if x < 0 or y < 0 or scale <= 0:
            # the form writes -1 for what MPII does not give.
            tally.add("people left out: no scale or place given")
            continue
        hidden = np.zeros(len(MPII.names), bool)
        yield Marked(one["image"], joints, hidden, (x, y), scale, f"picture {one['image']}", number)


def _list(one: dict[str, Any], key: str, where: str) -> list[Any]:
    held = one[key]
    if not isinstance(held, list) or len(held) != len(MPII.names):
        raise SourceInvalid(f"{where}: {key} is {held!r:.40}; it must be a list of {len(MPII.names)}; {_REMEDY}")
    return held


def _pair(pair: Any, where: str) -> list[float]:
    return numbers({"joints": pair}, "joints", 2, where, _REMEDY)
