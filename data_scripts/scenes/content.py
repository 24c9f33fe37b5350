"""The content of scenes.h5."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from data_scripts.builder import Content, Progress
from data_scripts.icons.drawing import FAMILIES, PACKAGE
from data_scripts.scenes.catalogue import Catalogue, catalogue, read_table
from data_scripts.scenes.example import scene, single
from data_scripts.scenes.grammar import GRAMMAR_VERSION, lexicon
from data_scripts.scenes.palette import COLOURS
from data_scripts.scenes.picture import SIZES, Sprites
from data_scripts.scenes.relation import APART_PX, RELATIONS, TIMES_AS_FAR
from vislab.data.layout.provenance import Source

_ROWS_A_STEP = 200


def table_rows(count: int) -> dict[str, int]:
    """Return the rows of each table: a fifth as many test scenes as training scenes, nine fifths as many singles; one and five at least."""
    return {"train": count, "test": max(1, count // 5), "singles": max(5, 9 * count // 5)}


def content(folder: Path, count: int, seed: int, progress: Progress) -> Content:
    """Return the content: ``count`` training scenes, test scenes, and singles.

    Row i of a table depends on the seed and i alone, so a longer file begins with the shorter one.

    Args:
        folder: holds the folders of drawings, as of :func:`data_scripts.icons.drawing.wheel_folder`.
        count: 1 or more.
        seed: decides every draw.
        progress: shows stages.
    """
    known = catalogue(folder, read_table())
    sprites = Sprites()
    tables = {}
    for table, rows in table_rows(count).items():
        draw = partial(single, known, sprites, seed) if table == "singles" else partial(scene, known, sprites, table, seed)
        tables[table] = _columns(draw, rows, progress(table, -(-rows // _ROWS_A_STEP)))
    return Content(tables=tables, sources=sources(known), attributes=attributes(known))


def _columns(draw: Callable[[int], dict[str, Any]], rows: int, step: Callable[[str], None]) -> dict[str, np.ndarray]:
    drawn = []
    for row in range(rows):
        drawn.append(draw(row))
        if row % _ROWS_A_STEP == 0:
            step(f"row {row}")
    return {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}


def attributes(known: Catalogue) -> dict[str, object]:
    """Return the file attributes: what numbers count, the words' meanings, and when a relation holds."""
    words = lexicon(known.nouns)
    return {
        "vocabulary": list(words.vocabulary),
        "nouns": list(known.nouns),
        "colours": list(COLOURS),
        "sizes": list(SIZES),
        "relations": list(RELATIONS),
        "grammar_version": GRAMMAR_VERSION,
        "word_meanings": json.dumps(asdict(words), sort_keys=True),
        "relation_apart_px": APART_PX,
        "relation_times_as_far": TIMES_AS_FAR,
        "drawings": [shape.place for shape in known.shapes],
        "drawing_nouns": [shape.noun for shape in known.shapes],
        "drawing_groups": [shape.group for shape in known.shapes],
        "drawing_splits": [shape.split for shape in known.shapes],
    }


def sources(known: Catalogue) -> Sequence[Source]:
    """Return where everything comes from."""
    version = metadata.version(PACKAGE)
    used = {shape.place.rpartition("/")[0] for shape in known.shapes}
    ours = Source("scenes", GRAMMAR_VERSION, "MIT", "", "arrangements, colours and captions, drawn at random")
    drawings = [
        Source(family.folder, f"{PACKAGE} {version}", family.licence, family.attribution, f"drawings of {family.folder}")
        for family in FAMILIES
        if family.folder in used
    ]
    return [ours, *drawings]
