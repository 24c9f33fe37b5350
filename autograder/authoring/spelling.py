"""Recognise a line that was meant as a marker, however it is spelt.

nbgrader looks for ``BEGIN SOLUTION`` and its like letter by letter. A line that a reader takes for a marker and nbgrader does not is
the dangerous one: the text below it goes to the students. ``meant_marker`` reads as a person does: it folds case, look-alike letters,
accents and invisible characters, and allows slips of the keyboard. To stay quiet on prose, the words alone are not enough; the line
must also *look* like a marker:

* the words are all there is on the line (``# begin solution``), or
* two or more ``#`` stand right before them (``## Begin solution: the mean``), or
* they are in capitals (``x = 1  # BEGIN SOLUTON``), or
* they open a comment and each begins with a capital (``# Begin Solution of part one``).

So "the search will end: solutions are printed" and "### Problem and solution" are prose.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

# prose repeats its words: one look at each is most of what reading a lesson takes.
_once_a_word = lru_cache(maxsize=1 << 15)

KINDS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")

# Letters of other alphabets and what they look like, in pairs.
_PAIRS = (
    "аa вb еe ёe зe іi їi кk мm нh оo рp сc тt уy хx ѕs јj һh ԁd ԛq ԝw ѵv ӏl"
    " АA ВB ЕE ІI ЈJ КK МM НH ОO РP СC ТT УY ХX ЅS ԌG ԚQ ԜW ѴV ӀI"
    " αa βb εe ηn ιi κk νv οo ρp τt υu χx ωw"
    " ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX"
    " ıi ɡg ♯# ⌗#"
)
_LOOK_ALIKES = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
_DIGITS = str.maketrans("01345", "oleas")

_BEGIN = ("begin", "start")
_END = ("end", "stop", "finish")
# Words one or two letters away from the ones above that are words of their own.
_OTHER_VERBS = frozenset(
    "and bend bends fend find kind lend mend mind pend rend send sends spend tend tends trend vend wend wind"
    " star stars stark smart chart step steps shop top atop slop"
    " been bean basin login resin again reign begun begs finnish".split()
)
_OTHER_NOUNS = frozenset(
    "resolution resolutions evolution evolutions revolution dilution pollution elution volution locution absolution".split()
)


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int
    upper: bool
    capital: bool


def meant_marker(line: str, code: bool) -> str | None:
    """Return the marker that ``line`` was probably meant to be, such as ``BEGIN SOLUTION``; None for an ordinary line.

    Args:
        line: one line of a cell.
        code: the line stands in a code cell, where ``### SOLUTION`` is a marker without its verb; in markdown it is a heading.
    """
    folded = _fold(line)
    words = [_word(match) for match in re.finditer(r"[A-Za-z0-9]+", folded)]
    if not words:
        return None
    # in code a bare name or call such as end_solution() is no marker; a comment is, and so are plain words.
    readable = not code or folded.lstrip().startswith("#") or re.fullmatch(r"[A-Za-z0-9\s]+", folded) is not None
    for first in range(len(words)):
        for count in range(1, min(4, len(words) - first) + 1):
            window = words[first : first + count]
            if (marker := _read(window)) is None or not _stand_together(folded, window):
                continue
            if (count == len(words) and readable) or _looks_like_marker(folded, window):
                return marker
    # letters set apart, "B E G I N".
    if all(len(word.text) == 1 for word in words) and (marker := _joined("".join(word.text for word in words))):
        return marker
    if code and (kind := _kind([word.text for word in words])) and ("##" in folded[: words[0].start] or all(w.upper for w in words)):
        return f"BEGIN or END {kind}"
    return None


def _fold(line: str) -> str:
    text = unicodedata.normalize("NFKC", line).translate(_LOOK_ALIKES)
    text = unicodedata.normalize("NFKD", text)
    return "".join(ch for ch in text if unicodedata.category(ch) not in ("Mn", "Cf"))


def _word(match: re.Match[str]) -> _Word:
    text = match[0]
    mixed = text.translate(_DIGITS) if not text.isdigit() else text
    letters = [ch for ch in text if ch.isalpha()]
    return _Word(mixed.lower(), match.start(), match.end(), bool(letters) and all(ch.isupper() for ch in letters), text[0].isupper())


def _stand_together(folded: str, window: list[_Word]) -> bool:
    # "FINISH, ANSWER" is a list of words.
    gaps = (folded[left.end : right.start] for left, right in pairwise(window))
    return all(re.fullmatch(r"[\s_:./|*~=-]*", gap) for gap in gaps)


def _looks_like_marker(folded: str, window: list[_Word]) -> bool:
    before = re.search(r"#*[^A-Za-z0-9#]*$", folded[: window[0].start])
    hashes = before[0].count("#") if before else 0
    return hashes >= 2 or all(word.upper for word in window) or (hashes == 1 and all(word.capital for word in window))


def _read(window: list[_Word]) -> str | None:
    texts = [word.text for word in window]
    if len(texts) == 1:
        return _joined(texts[0])
    for verb, rest in ((texts[0], texts[1:]), (texts[-1], texts[:-1])):
        if (side := _side(verb)) and (kind := _kind(rest)):
            return f"{side} {kind}"
    return None


@_once_a_word
def _side(word: str) -> str | None:
    if word in _OTHER_VERBS:
        return None
    if any(_distance(word, verb) <= (2 if verb == "begin" else 1) for verb in _BEGIN):
        return "BEGIN"
    return "END" if any(_distance(word, verb) <= 1 for verb in _END) else None


def _kind(words: list[str]) -> str | None:
    if len(words) == 1:
        if words[0] in _OTHER_NOUNS:
            return None
        if _distance(words[0], "solution") <= 2 or words[0] in ("soln", "solns", "answer", "answers"):
            return "SOLUTION"
        for noun, kind in (("hiddentests", "HIDDEN TESTS"), ("markscheme", "MARK SCHEME"), ("markingscheme", "MARK SCHEME")):
            if _distance(words[0], noun) <= 2:
                return kind
    if len(words) == 2:
        if _distance(words[0], "hidden") <= 2 and _distance(words[1], "tests") <= 1:
            return "HIDDEN TESTS"
        if min(_distance(words[0], "mark"), _distance(words[0], "marking")) <= 1 and _distance(words[1], "scheme") <= 2:
            return "MARK SCHEME"
        # a word torn in two, "SOLU TION".
        if _distance("".join(words), "solution") <= 1:
            return "SOLUTION"
    return None


@_once_a_word
def _joined(text: str) -> str | None:
    for verbs, side in ((("begin", "start"), "BEGIN"), (("end", "stop"), "END")):
        for verb in verbs:
            for kind in KINDS:
                if _distance(text, verb + kind.replace(" ", "").lower()) <= 2:
                    return f"{side} {kind}"
    return None


def _distance(a: str, b: str) -> int:
    """Slips of the keyboard between two words: letters added, dropped, replaced, or two neighbours swapped."""
    # nobody asks about more than two slips.
    if abs(len(a) - len(b)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]
