"""From captions that people wrote to numbers: words, a vocabulary, rows of tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")
# letters and digits, with apostrophes inside; what a hyphen joins are two words.
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def words(caption: str) -> list[str]:
    """Return the words of a caption in lower case, without punctuation.

    Example:
        >>> words("A man's dog, 2-legged!")
        ['a', "man's", 'dog', '2', 'legged']
    """
    return [word.replace("’", "'") for word in _WORD.findall(caption.lower())]


@dataclass(frozen=True)
class Vocabulary:
    """Words by number, and how often each was seen; the first four are ``SPECIAL``."""

    listed: tuple[str, ...]
    occurrences: tuple[int, ...]

    def numbers(self) -> dict[str, int]:
        """Return the number of each word."""
        return {word: number for number, word in enumerate(self.listed)}


def count(captions: Iterable[str], least: int) -> Vocabulary:
    """Return the words that are there often enough, the most frequent first, equally frequent ones by alphabet.

    Args:
        captions: as they were written.
        least: how often a word must be there.
    """
    seen = Counter(word for caption in captions for word in words(caption))
    taken = sorted((word for word, times in seen.items() if times >= least), key=lambda word: (-seen[word], word))
    rare = sum(times for times in seen.values() if times < least)
    return Vocabulary((*SPECIAL, *taken), (0, 0, 0, rare, *(seen[word] for word in taken)))


def encoded(captions: Sequence[str], numbers: dict[str, int], length: int) -> tuple[np.ndarray, int]:
    """Return captions as tokens, int32 [captions, length]: begin, words, end, padding; and how many had to be cut."""
    tokens = np.full((len(captions), length), PAD, np.int32)
    cut = 0
    for row, caption in enumerate(captions):
        found = [numbers.get(word, UNK) for word in words(caption)]
        cut += len(found) > length - 2
        line = [BOS, *found[: length - 2], EOS]
        tokens[row, : len(line)] = line
    return tokens, cut
