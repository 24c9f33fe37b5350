"""Whether what a caption says is true of a scene, by the scene's table of objects alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_scripts.scenes.grammar import Lexicon
from data_scripts.scenes.palette import COLOURS
from data_scripts.scenes.parser import CaptionUnreadable, Meaning, Mention, mentions, read
from data_scripts.scenes.picture import SIZES
from data_scripts.scenes.relation import RELATIONS, relation_of

NOUN, COLOUR, SIZE, BOX = 0, 1, 2, slice(3, 7)


def object_row(mention: Mention, objects: np.ndarray) -> int | None:
    """Return the row of the object with a mention's noun, or None; a scene has no two objects of one noun.

    Args:
        mention: of a caption.
        objects: float32 [4, 7], as files hold them.
    """
    rows = np.flatnonzero(objects[:, NOUN] == mention.noun)
    return int(rows[0]) if len(rows) else None


def faults(meaning: Meaning, objects: np.ndarray) -> list[str]:
    """Return what is not true, a sentence each; nothing where all is.

    Args:
        meaning: of a caption.
        objects: float32 [4, 7].
    """
    found = []
    rows = [object_row(mention, objects) for mention in meaning.mentions]
    for place, (mention, row) in enumerate(zip(meaning.mentions, rows)):
        if row is None:
            found.append(f"mention {place} names the noun {mention.noun}, which is not there")
            continue
        if objects[row, COLOUR] != mention.colour:
            found.append(f"mention {place} is said to be {COLOURS[mention.colour]} and is {COLOURS[int(objects[row, COLOUR])]}")
        if mention.size is not None and objects[row, SIZE] != mention.size:
            found.append(f"mention {place} is said to be {SIZES[mention.size]} and is {SIZES[int(objects[row, SIZE])]}")
    known = [row for row in rows if row is not None]
    if len(set(known)) < len(known):
        found.append("one object is named twice")
    if meaning.relation is not None and not relation_is_true(meaning, objects):
        found.append(f"the relation {RELATIONS[meaning.relation[1]]} does not hold")
    return found


def relation_is_true(meaning: Meaning, objects: np.ndarray) -> bool:
    """Return whether the related nouns are two objects of the scene and the relation holds between them, whatever their colours.

    Raises:
        ValueError: the caption relates nothing.
    """
    if meaning.relation is None:
        raise ValueError("meaning.relation is None; it must relate two mentions; ask only of captions that do")
    first, which, second = meaning.relation
    subject, other = (object_row(meaning.mentions[place], objects) for place in (first, second))
    if subject is None or other is None or subject == other:
        return False
    return relation_of(objects[subject, BOX].astype(np.float64), objects[other, BOX].astype(np.float64)) == which


@dataclass
class Tally:
    """Counts over captions; see ``shares``."""

    captions: int = 0
    sentences: int = 0
    true: int = 0
    named: int = 0
    there: int = 0
    colours_right: int = 0
    related: int = 0
    relations_right: int = 0

    def add(self, caption: str, objects: np.ndarray, lexicon: Lexicon) -> None:
        """Count one caption of a scene."""
        self.captions += 1
        for mention in mentions(caption, lexicon):
            self.named += 1
            row = object_row(mention, objects)
            if row is not None:
                self.there += 1
                self.colours_right += int(objects[row, COLOUR] == mention.colour)
        try:
            meaning = read(caption, lexicon)
        except CaptionUnreadable:
            return
        self.sentences += 1
        self.true += not faults(meaning, objects)
        if meaning.relation is not None:
            self.related += 1
            self.relations_right += relation_is_true(meaning, objects)

    def shares(self) -> dict[str, float]:
        """Return the shares, 0 where there is nothing to count.

        Captions that are sentences, and that are true in all they say; named objects that are there; colours right of those; relations
        right of those said.
        """
        pairs = {
            "sentence": (self.sentences, self.captions),
            "all true": (self.true, self.captions),
            "named object there": (self.there, self.named),
            "colour right": (self.colours_right, self.there),
            "relation right": (self.relations_right, self.related),
        }
        return {name: part / whole if whole else 0.0 for name, (part, whole) in pairs.items()}
