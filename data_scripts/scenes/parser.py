"""Reads a caption back: which objects it names, and how it relates two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_scripts.scenes.grammar import Lexicon


class CaptionUnreadable(ValueError):
    """A sentence that the grammar does not make."""


@dataclass(frozen=True)
class Mention:
    """An object as a caption names it: places among nouns, colours, sizes (None where none is named); ``at`` counts words to its noun."""

    noun: int
    colour: int
    size: int | None
    at: int


@dataclass(frozen=True)
class Meaning:
    """What a caption says: its mentions from first to last, and subject, relation and other as places among mentions and relations."""

    mentions: tuple[Mention, ...]
    relation: tuple[int, int, int] | None


class _Reader:
    def __init__(self, words: Sequence[str], lexicon: Lexicon) -> None:
        self._words, self._lexicon, self._at = words, lexicon, 0
        self._phrases = sorted(
            ((tuple(phrase.split()), which) for phrase, which in lexicon.relations.items()), key=lambda one: -len(one[0])
        )

    def sentence(self) -> Meaning:
        meaning = self._sentence()
        if self._at < len(self._words):
            raise self._lost("the end")
        return meaning

    def _sentence(self) -> Meaning:
        which = self._relation()
        if which is not None:
            other = self._thing()
            self._need("is")
            return Meaning((other, self._thing()), (1, which, 0))
        if self._take("there"):
            self._need("is")
            return self._related(self._thing())
        if self._take("a", "picture"):
            self._need("of")
            return self._listed([self._thing()])
        first = self._thing()
        if self._take("and"):
            return self._listed([first, self._thing()])
        if self._take("with"):
            subject, which = self._thing(), self._needed_relation()
            self._need("it")
            return Meaning((first, subject), (1, which, 0))
        self._take("is")
        return self._related(first)

    def _related(self, subject: Mention) -> Meaning:
        which = self._needed_relation()
        return Meaning((subject, self._thing()), (0, which, 1))

    def _listed(self, things: list[Mention]) -> Meaning:
        while self._take("and"):
            things.append(self._thing())
        return Meaning(tuple(things), None)

    def _thing(self) -> Mention:
        if not (self._take("an") or self._take("a")):
            raise self._lost("a or an")
        size = self._meaning(self._lexicon.sizes)
        colour = self._meaning(self._lexicon.colours)
        if colour is None:
            raise self._lost("a colour")
        at = self._at
        noun = self._meaning(self._lexicon.nouns)
        if noun is None:
            raise self._lost("a noun")
        return Mention(noun, colour, size, at)

    def _relation(self) -> int | None:
        return next((which for phrase, which in self._phrases if self._take(*phrase)), None)

    def _needed_relation(self) -> int:
        which = self._relation()
        if which is None:
            raise self._lost("a relation")
        return which

    def _meaning(self, table: dict[str, int]) -> int | None:
        if self._at < len(self._words) and self._words[self._at] in table:
            self._at += 1
            return table[self._words[self._at - 1]]
        return None

    def _take(self, *words: str) -> bool:
        if tuple(self._words[self._at : self._at + len(words)]) != words:
            return False
        self._at += len(words)
        return True

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._lost(repr(word))

    def _lost(self, wanted: str) -> CaptionUnreadable:
        there = repr(self._words[self._at]) if self._at < len(self._words) else "the end"
        return CaptionUnreadable(
            f"word {self._at} of {' '.join(self._words)!r} is {there}; it must be {wanted}; see grammar.py for the sentences"
        )


def read(caption: str, lexicon: Lexicon) -> Meaning:
    """Return what a caption says.

    Args:
        caption: words and single spaces. "a" and "an" are taken for each other: this is about what is said, not how well.
        lexicon: as of :func:`data_scripts.scenes.grammar.lexicon`.

    Raises:
        CaptionUnreadable: no sentence of the grammar; says which word, from 0, and what must stand there.

    Example:
        >>> from data_scripts.scenes.grammar import lexicon
        >>> read("a red cup above a blue car", lexicon(["cup", "car"])).relation
        (0, 2, 1)
    """
    return _Reader(caption.split(), lexicon).sentence()


def mentions(caption: str, lexicon: Lexicon) -> list[Mention]:
    """Return the objects that a caption names, whether or not it is a sentence: every noun with a colour right before it.

    Args:
        caption: words and spaces.
        lexicon: the words' meanings.
    """
    words = caption.split()
    found = []
    for at, word in enumerate(words):
        if at and word in lexicon.nouns and words[at - 1] in lexicon.colours:
            size = lexicon.sizes.get(words[at - 2]) if at > 1 else None
            found.append(Mention(lexicon.nouns[word], lexicon.colours[words[at - 1]], size, at))
    return found
