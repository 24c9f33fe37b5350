"""Answers that resemble each other: copydetect's winnowing on solution cells, with the release as boilerplate."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from copydetect import CodeFingerprint, compare_files

from autograder.report.material import ClassMaterial, Submission

# k-grams of characters, once names are taken out, and all of them: Python hashes texts anew in each process, and a window chooses by hash.
NOISE, WINDOW = 25, 1
# shorter code resembles other short code.
TOKENS_MIN = 60
SHOWN_FROM, SHOWN_MAX = 0.8, 40


@dataclass(frozen=True)
class Pair:
    """Two students whose code is alike.

    Args:
        first, second: their names.
        share: of the shorter one's fingerprinted code that the other has too, 0 to 1.
        characters: how much that is, without names and blanks.
        exercises: those in which nearly all is alike.
    """

    first: str
    second: str
    share: float
    characters: int
    exercises: tuple[str, ...]


def similar_pairs(material: ClassMaterial, from_share: float = SHOWN_FROM) -> list[Pair]:
    """Compare every two students, whole assignments first; the most alike first.

    A short exercise has few right answers, so a single one says little; all of them together say more. It is a hint where to look, never
    a proof: read both notebooks.
    """
    plain = _print("\n\n".join(asked.stub for asked in material.exercises))
    plain_hashes = np.array(sorted(plain.hashes))
    whole = {each.student: _print("\n\n".join(_written(material, each).values()), plain_hashes) for each in material.submissions}
    known = {each.student: each for each in material.submissions}
    pairs = []
    for first, second in itertools.combinations([name for name, code in whole.items() if code.token_coverage >= TOKENS_MIN], 2):
        alike, shares, _ = compare_files(whole[first], whole[second])
        share = max(shares)
        if share >= from_share:
            exercises = _alike(material, known[first], known[second], plain_hashes, from_share)
            pairs.append(Pair(first, second, min(float(share), 1.0), int(alike), exercises))
    return sorted(pairs, key=lambda pair: (-pair.share, -pair.characters, pair.first, pair.second))[:SHOWN_MAX]


def _alike(material: ClassMaterial, first: Submission, second: Submission, plain: np.ndarray, from_share: float) -> tuple[str, ...]:
    found = []
    one, other = _written(material, first), _written(material, second)
    for name in one.keys() & other.keys():
        prints = [_print(source, plain) for source in (one[name], other[name])]
        if all(each.token_coverage for each in prints) and max(compare_files(*prints)[1]) >= from_share:
            found.append(name)
    return tuple(sorted(found))


def _written(material: ClassMaterial, submission: Submission) -> dict[str, str]:
    stubs = {asked.name: asked.stub for asked in material.exercises}
    return {name: source for name, source in submission.answers.items() if name in stubs and source.strip() != stubs[name].strip()}


def _print(source: str, boilerplate: Sequence[int] | np.ndarray = ()) -> CodeFingerprint:
    # copydetect takes the language from a file name; the text comes from the stream. It prints warnings about short files.
    with contextlib.redirect_stderr(io.StringIO()):
        return CodeFingerprint("answer.py", NOISE, WINDOW, boilerplate=boilerplate, fp=io.StringIO(source))
