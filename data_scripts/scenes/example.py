"""One scene, and one single icon, from a seed and a row alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data_scripts.scenes.catalogue import TEST, TRAIN, Catalogue
from data_scripts.scenes.grammar import Thing, Writer, lexicon, to_tokens
from data_scripts.scenes.palette import COLOURS, ground, shade
from data_scripts.scenes.picture import COVERED, SIDE_PX, SINGLE_PX, SIZES, Sprite, Sprites, front, painted, tight_box
from data_scripts.scenes.relation import focus

OBJECTS_MOST = 4
# how often a scene has two, three, four objects.
HOW_MANY = (0.3, 0.4, 0.3)
# an object keeps this share of the pixels it covers, whatever stands in front of it.
VISIBLE_LEAST = 0.8
# of the smaller of two boxes: what the other one may reach into.
BOX_SHARED_MOST = 0.25
BIG_MOST = 2
_TRIES = 30
_STREAMS = {"train": 0, "test": 1, "singles": 2}
# of five singles, the last one is of a test drawing.
_SINGLES_CYCLE = 5


@dataclass(frozen=True)
class _Layout:
    coverage: list[np.ndarray]
    boxes: np.ndarray


def stream(seed: int, table: str, row: int) -> np.random.Generator:
    """Return the generator of one row of a table; no two rows share one."""
    return np.random.default_rng([seed, _STREAMS[table], row])


def scene(catalogue: Catalogue, sprites: Sprites, table: str, seed: int, row: int) -> dict[str, Any]:
    """Return one row of a table of scenes, by dataset name.

    Args:
        catalogue: nouns and drawings; those of the table's split alone are used.
        sprites: draws them.
        table: "train" or "test".
        seed, row: decide everything.
    """
    rng = stream(seed, table, row)
    split = TRAIN if table == "train" else TEST
    count = 2 + int(rng.choice(len(HOW_MANY), p=HOW_MANY))
    nouns = rng.choice(len(catalogue.nouns), count, replace=False)
    colours = rng.integers(len(COLOURS), size=count)
    sizes = rng.integers(len(SIZES), size=count)
    sizes[np.flatnonzero(sizes == 1)[BIG_MOST:]] = 0
    drawings = [_one_of(catalogue.of(int(noun), split), rng) for noun in nouns]
    made = [sprites.draw(catalogue.shapes[drawing], int(size), rng) for drawing, size in zip(drawings, sizes)]
    layout, related = _related_layout(made, rng)
    img = painted(ground(rng), layout.coverage, [shade(int(colour), rng) for colour in colours])
    things = [Thing(int(n), int(c), int(s), tuple(box)) for n, c, s, box in zip(nouns, colours, sizes, layout.boxes.tolist())]
    captions = Writer(catalogue.nouns, things, related, rng).captions()
    vocabulary = lexicon(catalogue.nouns).vocabulary
    objects = np.full((OBJECTS_MOST, 7), -1, dtype=np.float32)
    objects[:count] = np.concatenate([np.stack([nouns, colours, sizes], axis=1), layout.boxes], axis=1)
    drawing = np.full(OBJECTS_MOST, -1, dtype=np.int16)
    drawing[:count] = drawings
    return {
        "img": img,
        "tokens": np.array([to_tokens(caption, vocabulary) for caption in captions], dtype=np.uint8),
        "captions": np.array(captions, dtype=object),
        "objects": objects,
        "mask": front(layout.coverage),
        "relation": np.array(related, dtype=np.int8),
        "drawing": drawing,
    }


def single(catalogue: Catalogue, sprites: Sprites, seed: int, row: int) -> dict[str, Any]:
    """Return one row of the table of single icons; four of five show drawings of the training set.

    Args:
        catalogue: nouns and drawings.
        sprites: draws them.
        seed, row: decide everything.
    """
    rng = stream(seed, "singles", row)
    split = TEST if row % _SINGLES_CYCLE == _SINGLES_CYCLE - 1 else TRAIN
    noun, colour, size = int(rng.integers(len(catalogue.nouns))), int(rng.integers(len(COLOURS))), int(rng.integers(len(SIZES)))
    drawing = _one_of(catalogue.of(noun, split), rng)
    sprite = sprites.draw(catalogue.shapes[drawing], size, rng)
    coverage = sprite.over(*_corner(sprite, SINGLE_PX, rng), SINGLE_PX)
    img = painted(ground(rng), [coverage], [shade(colour, rng)])
    group = catalogue.shapes[drawing].group
    return {
        "img": img,
        "noun": np.uint8(noun),
        "colour": np.uint8(colour),
        "split": np.uint8(split),
        "group": np.int32(group),
        "drawing": np.int16(drawing),
    }


def _one_of(numbers: list[int], rng: np.random.Generator) -> int:
    return numbers[int(rng.integers(len(numbers)))]


def _corner(sprite: Sprite, side_px: int, rng: np.random.Generator) -> tuple[int, int]:
    height, width = sprite.alpha.shape
    return int(rng.integers(side_px - width + 1)), int(rng.integers(side_px - height + 1))


def _related_layout(sprites: list[Sprite], rng: np.random.Generator) -> tuple[_Layout, tuple[int, int, int]]:
    """Put the sprites down again and again until two of them are clearly related."""
    while True:
        layout = _layout(sprites, rng)
        related = None if layout is None else focus(layout.boxes)
        if layout is not None and related is not None:
            return layout, related


def _layout(sprites: list[Sprite], rng: np.random.Generator) -> _Layout | None:
    """Put sprites down one after the other; None where one of them finds no place."""
    coverage: list[np.ndarray] = []
    boxes: list[tuple[int, int, int, int]] = []
    for sprite in sprites:
        for _ in range(_TRIES):
            alpha = sprite.over(*_corner(sprite, SIDE_PX, rng), SIDE_PX)
            box = tight_box(alpha >= COVERED)
            if all(shared(box, other) <= BOX_SHARED_MOST for other in boxes) and _all_visible([*coverage, alpha]):
                coverage.append(alpha)
                boxes.append(box)
                break
        else:
            return None
    return _Layout(coverage, np.array(boxes))


def shared(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> float:
    """Return the share of the smaller of two boxes x0, y0, x1, y1 that lies in the other.

    Example:
        >>> shared((0, 0, 4, 4), (2, 0, 4, 2))
        1.0
    """
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return max(width, 0) * max(height, 0) / smaller


def _all_visible(coverage: list[np.ndarray]) -> bool:
    mask = front(coverage)
    return all(
        np.count_nonzero(mask == number) >= VISIBLE_LEAST * np.count_nonzero(alpha >= COVERED) for number, alpha in enumerate(coverage, 1)
    )
