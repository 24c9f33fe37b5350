"""BLEU over a corpus: how many of a caption's runs of one to four words also stand in one of its references.

Source: Papineni, Roukos, Ward, Zhu, "BLEU: a method for automatic evaluation of machine translation", 2002.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

LONGEST = 4


def runs(words: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    """Return how often each run of ``length`` words comes.

    Example:
        >>> runs("a cup a cup".split(), 2)[("a", "cup")]
        2
    """
    return Counter(tuple(words[start : start + length]) for start in range(len(words) - length + 1))


def bleu(candidates: Sequence[str], references: Sequence[Sequence[str]], longest: int = LONGEST) -> float:
    """Return BLEU in [0, 1] of all candidates together; it is not the mean over sentences.

    Args:
        candidates: a caption for each scene.
        references: the references of each scene, one at least.
        longest: the longest run of words that counts.

    Raises:
        ValueError: not one list of references for each candidate, or an empty one.

    Convention: no smoothing, so it is 0 where no run of ``longest`` words is right. The reference nearest in length counts for the brevity
    penalty, the shorter one of two equally near.
    """
    if len(candidates) != len(references) or not all(references):
        raise ValueError(
            f"references has {len(references)} lists for {len(candidates)} candidates; give each candidate one reference at least"
        )
    right, said = [0] * longest, [0] * longest
    candidate_words = reference_words = 0
    for candidate, texts in zip(candidates, references):
        words, others = candidate.split(), [text.split() for text in texts]
        candidate_words += len(words)
        reference_words += min((abs(len(other) - len(words)), len(other)) for other in others)[1]
        for length in range(1, longest + 1):
            have = runs(words, length)
            # the union of counters keeps the larger count: a run may be used as often as in the reference that has most of it.
            allowed: Counter[tuple[str, ...]] = Counter()
            for other in others:
                allowed |= runs(other, length)
            right[length - 1] += (have & allowed).total()
            said[length - 1] += have.total()
    if not all(right):
        return 0.0
    precision = math.exp(sum(math.log(part / whole) for part, whole in zip(right, said)) / longest)
    return precision * min(1.0, math.exp(1 - reference_words / candidate_words))
