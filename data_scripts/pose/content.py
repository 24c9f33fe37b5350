"""The content of pose.h5, pose_pairs.h5, pose_sequences.h5 and pose_hidden.h5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from data_scripts.builder import Content, Progress
from data_scripts.pose import example, motion, pair, photograph
from data_scripts.pose.skeleton import JOINTS, MIRROR, PARENTS, PARTS
from vislab.data.layout.provenance import Source

_ROWS_A_STEP = 50
# of the drawing; a file's record has the digest of the code.
_VERSION = "2"


def people(count: int, seed: int, progress: Progress) -> Content:
    """Return ``count`` rows of ``pose``; row i depends on the seed and i alone, so a longer file begins with the shorter one.

    Args:
        count: 1 or more.
        seed: decides every draw.
        progress: shows stages.
    """
    return _content(example.example, count, seed, progress)


def hidden_people(count: int, seed: int, progress: Progress) -> Content:
    """Return ``count`` rows of ``pose_hidden``: test pictures alone; see ``people``."""
    content = _content(example.hidden_example, count, seed, progress)
    grounds = [one.name for one in photograph.HIDDEN_PHOTOGRAPHS]
    named = {"backgrounds": grounds, "background_splits": [photograph.TEST for _ in grounds]}
    return replace(content, sources=sources(hidden=True), attributes={**content.attributes, **named})


def pairs(count: int, seed: int, progress: Progress) -> Content:
    """Return ``count`` rows of ``pose_pairs``; see ``people``."""
    return _content(pair.example, count, seed, progress)


def sequences(count: int, seed: int, progress: Progress) -> Content:
    """Return ``count`` rows of ``pose_sequences``; see ``people``."""
    return _content(motion.example, count, seed, progress, frame_rate_hz=motion.FRAME_RATE_HZ)


def _content(draw: Callable[[int, int], dict[str, Any]], count: int, seed: int, progress: Progress, **attributes: object) -> Content:
    step = progress("rendering", -(-count // _ROWS_A_STEP))
    rows = []
    for row in range(count):
        rows.append(draw(seed, row))
        if row % _ROWS_A_STEP == 0:
            step(f"row {row}")
    return Content(tables={"": columns(rows)}, sources=sources(), attributes={**skeleton(), **attributes})


def columns(rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Return rows as one array a dataset."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def skeleton() -> dict[str, object]:
    """Return the file attributes that name joints, parts and photographs."""
    return {
        "joint_names": list(JOINTS),
        "parents": list(PARENTS),
        "mirror": list(MIRROR),
        "limb_names": list(PARTS),
        "backgrounds": [one.name for one in photograph.PHOTOGRAPHS],
        "background_splits": [one.split for one in photograph.PHOTOGRAPHS],
    }


def sources(hidden: bool = False) -> list[Source]:
    """Return where everything comes from."""
    people = Source("people", _VERSION, "MIT", "", "bodies, poses, clothes and light, drawn at random")
    return [people, *photograph.sources(hidden)]
