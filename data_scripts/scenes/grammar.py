"""The grammar of captions: its words, and five different sentences about a scene.

A sentence is one of (NP is ``a [size] colour noun``):

    NP REL NP                   a red cup above a blue car
    there is NP REL NP          there is a red cup above a blue car
    NP is REL NP                a red cup is above a blue car
    REL NP is NP                above a blue car is a red cup
    NP with NP REL it           a blue car with a red cup above it
    NP and NP ...               a red cup and a blue car and a green tree
    a picture of NP and NP ...  a picture of a red cup and a blue car

The first five speak of the scene's focus, either way round; the last two name every object, from left to right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_scripts.builder import BuildError
from data_scripts.scenes.palette import COLOURS
from data_scripts.scenes.picture import SIZES
from data_scripts.scenes.relation import OPPOSITE, RELATIONS

GRAMMAR_VERSION = "1"
REFERENCES = 5
TOKENS = 24
PAD, BEGIN, END = 0, 1, 2
SPECIAL = ("<pad>", "<bos>", "<eos>")
NOUN_SYNONYMS = {"bicycle": ("bike",), "cup": ("mug",), "fire": ("flame",), "house": ("home",), "plane": ("airplane",)}
COLOUR_SYNONYMS = {"purple": ("violet",)}
SIZE_WORDS = {"small": ("small", "little"), "big": ("big", "large")}
RELATION_WORDS = {
    "left of": ("left of", "to the left of"),
    "right of": ("right of", "to the right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
}
GLUE = ("a", "an", "and", "is", "it", "of", "picture", "there", "with")
SIZE_NAMED = 0.25


@dataclass(frozen=True)
class Thing:
    """One object as captions see it: places among the nouns, ``COLOURS`` and ``SIZES``, and its box x0, y0, x1, y1."""

    noun: int
    colour: int
    size: int
    box: tuple[float, float, float, float]


class GrammarError(BuildError):
    """Words or nouns that the grammar cannot use."""


@dataclass(frozen=True)
class Lexicon:
    """What each word means, given the nouns: ``nouns``, ``colours``, ``sizes`` by word, ``relations`` by phrase."""

    nouns: dict[str, int]
    colours: dict[str, int]
    sizes: dict[str, int]
    relations: dict[str, int]

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The word of each token: three special ones, then all words by alphabet."""
        words = {word for phrase in self.relations for word in phrase.split()} | set(GLUE)
        return (*SPECIAL, *sorted(words | set(self.nouns) | set(self.colours) | set(self.sizes)))


def lexicon(nouns: Sequence[str]) -> Lexicon:
    """Return the words, given the names of the nouns.

    Raises:
        GrammarError: a word would have two meanings.

    Example:
        >>> lexicon(["cup", "car"]).nouns
        {'cup': 0, 'mug': 0, 'car': 1}
    """
    tables = (
        {word: place for place, noun in enumerate(nouns) for word in (noun, *NOUN_SYNONYMS.get(noun, ()))},
        {word: place for place, name in enumerate(COLOURS) for word in (name, *COLOUR_SYNONYMS.get(name, ()))},
        {word: place for place, name in enumerate(SIZES) for word in SIZE_WORDS[name]},
        {phrase: place for place, name in enumerate(RELATIONS) for phrase in RELATION_WORDS[name]},
    )
    seen: set[str] = set()
    for words in (*map(set, tables[:3]), {word for phrase in tables[3] for word in phrase.split()}, set(GLUE) - {"of"}):
        if seen & words:
            raise GrammarError(f"the word {min(seen & words)!r} must have one meaning, and has two; rename the noun in nouns.txt")
        seen |= words
    return Lexicon(*tables)


class Writer:
    """Writes sentences about one scene.

    Args:
        nouns: names of the nouns.
        things: the scene's objects.
        focus: subject, relation and other, places among ``things`` and ``RELATIONS``.
        rng: decides synonyms, which sizes are named, which way round, and which sentences.
    """

    def __init__(self, nouns: Sequence[str], things: Sequence[Thing], focus: tuple[int, int, int], rng: np.random.Generator) -> None:
        self._nouns, self._things, self._focus, self._rng = nouns, things, focus, rng
        self._forms = (self._plain, self._there, self._is, self._inverted, self._with, self._list, self._picture)

    def captions(self) -> list[str]:
        """Return five sentences of five different forms."""
        return [self._forms[number]() for number in self._rng.permutation(len(self._forms))[:REFERENCES]]

    def _any(self, words: Sequence[str]) -> str:
        return words[int(self._rng.integers(len(words)))]

    def _phrase(self, row: int) -> str:
        thing = self._things[row]
        noun, colour = self._nouns[thing.noun], COLOURS[thing.colour]
        words = [self._any((colour, *COLOUR_SYNONYMS.get(colour, ()))), self._any((noun, *NOUN_SYNONYMS.get(noun, ())))]
        if self._rng.random() < SIZE_NAMED:
            words.insert(0, self._any(SIZE_WORDS[SIZES[thing.size]]))
        return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])

    def _related(self) -> tuple[str, str, str]:
        subject, which, other = self._focus
        if self._rng.random() < 0.5:
            subject, which, other = other, OPPOSITE[which], subject
        return self._phrase(subject), self._any(RELATION_WORDS[RELATIONS[which]]), self._phrase(other)

    def _plain(self) -> str:
        return "{} {} {}".format(*self._related())

    def _there(self) -> str:
        return "there is {} {} {}".format(*self._related())

    def _is(self) -> str:
        return "{} is {} {}".format(*self._related())

    def _inverted(self) -> str:
        subject, relation, other = self._related()
        return f"{relation} {other} is {subject}"

    def _with(self) -> str:
        subject, relation, other = self._related()
        return f"{other} with {subject} {relation} it"

    def _list(self) -> str:
        order = sorted(range(len(self._things)), key=lambda row: (self._things[row].box[0] + self._things[row].box[2], row))
        return " and ".join(self._phrase(row) for row in order)

    def _picture(self) -> str:
        return f"a picture of {self._list()}"


def to_tokens(caption: str, vocabulary: Sequence[str]) -> list[int]:
    """Return a caption as 24 tokens: begin, its words, end, padding.

    Raises:
        GrammarError: a word that is not in the vocabulary, or more words than fit.
    """
    words = caption.split()
    for word in words:
        if word not in vocabulary[len(SPECIAL) :]:
            raise GrammarError(f"{word!r} in {caption!r} must be a word of the vocabulary; it holds {', '.join(vocabulary[3:9])} ...")
    if len(words) + 2 > TOKENS:
        raise GrammarError(f"{caption!r} has {len(words)} words; at most {TOKENS - 2} fit; leave words out")
    line = [BEGIN, *(vocabulary.index(word) for word in words), END]
    return line + [PAD] * (TOKENS - len(line))


def to_caption(tokens: Sequence[int], vocabulary: Sequence[str]) -> str:
    """Return the words of a line of tokens, up to the first end or padding.

    Example:
        >>> to_caption([1, 3, 4, 2, 0], ["<pad>", "<bos>", "<eos>", "a", "cup"])
        'a cup'
    """
    words: list[str] = []
    for token in tokens:
        if token in (END, PAD):
            break
        if token != BEGIN:
            words.append(vocabulary[token])
    return " ".join(words)
