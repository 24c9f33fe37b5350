"""Words, sentences, and reading them back."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from data_scripts.scenes.bleu import bleu, runs
from data_scripts.scenes.grammar import (
    REFERENCES,
    TOKENS,
    GrammarError,
    Lexicon,
    Thing,
    Writer,
    lexicon,
    to_caption,
    to_tokens,
)
from data_scripts.scenes.palette import COLOURS
from data_scripts.scenes.parser import CaptionUnreadable, Meaning, Mention, mentions, read
from data_scripts.scenes.relation import OPPOSITE, RELATIONS, focus, relation_of
from data_scripts.scenes.truth import Tally, faults, relation_is_true

NOUNS = ("car", "cup", "house", "umbrella")
RED, ORANGE, BLUE = (COLOURS.index(name) for name in ("red", "orange", "blue"))
LEFT, RIGHT, ABOVE, BELOW = range(4)


@pytest.fixture(scope="module")
def known() -> Lexicon:
    return lexicon(NOUNS)


def table(*things: Sequence[float]) -> np.ndarray:
    """The objects of a scene: noun, colour, size, box."""
    objects = np.full((4, 7), -1, dtype=np.float32)
    objects[: len(things)] = things
    return objects


# a small red cup left of a big blue car, which stands above an orange house.
SCENE = table((1, RED, 0, 4, 10, 14, 20), (0, BLUE, 1, 30, 8, 54, 24), (2, ORANGE, 0, 34, 44, 46, 58))


@pytest.mark.parametrize(
    ("caption", "relation", "named"),
    [
        ("a red cup left of a blue car", (0, LEFT, 1), [(1, RED, None, 2), (0, BLUE, None, 7)]),
        ("there is a little red mug to the left of a big blue car", (0, LEFT, 1), [(1, RED, 0, 5), (0, BLUE, 1, 13)]),
        ("an orange house is under a large blue car", (0, BELOW, 1), [(2, ORANGE, None, 2), (0, BLUE, 1, 8)]),
        ("to the right of a red cup is a blue car", (1, RIGHT, 0), [(1, RED, None, 6), (0, BLUE, None, 10)]),
        ("a blue car with an orange home below it", (1, BELOW, 0), [(0, BLUE, None, 2), (2, ORANGE, None, 6)]),
        ("a red cup and a blue car and an orange house", None, [(1, RED, None, 2), (0, BLUE, None, 6), (2, ORANGE, None, 10)]),
        ("a picture of a red cup and a blue car", None, [(1, RED, None, 5), (0, BLUE, None, 9)]),
    ],
)
def test_each_sentence_is_read_back_and_is_true(
    known: Lexicon, caption: str, relation: tuple[int, int, int] | None, named: list[tuple[int, int, int | None, int]]
) -> None:
    meaning = read(caption, known)
    assert meaning == Meaning(tuple(Mention(*one) for one in named), relation)
    assert list(meaning.mentions) == mentions(caption, known)
    assert faults(meaning, SCENE) == []


@pytest.mark.parametrize(
    ("caption", "told"),
    [
        ("", "word 0 of '' is the end; it must be a or an; see grammar.py"),
        ("red cup above a blue car", "word 0 of .* is 'red'; it must be a or an"),
        ("a cup above a blue car", "word 1 of .* is 'cup'; it must be a colour"),
        ("a red small cup above a blue car", "word 2 of .* is 'small'; it must be a noun"),
        ("a red cup", "word 3 of .* is the end; it must be a relation"),
        ("a red cup near a blue car", "word 3 of .* is 'near'; it must be a relation"),
        ("a red cup to the above a blue car", "word 3 of .* is 'to'; it must be a relation"),
        ("a blue car with a red cup above a", "word 8 of .* is 'a'; it must be 'it'"),
        ("above a blue car a red cup", "word 4 of .* is 'a'; it must be 'is'"),
        ("a red cup and a blue car above a red cup", "word 7 of .* is 'above'; it must be the end"),
        ("a picture of", "word 3 of .* is the end; it must be a or an"),
    ],
)
def test_what_is_no_sentence_is_told(known: Lexicon, caption: str, told: str) -> None:
    with pytest.raises(CaptionUnreadable, match=told):
        read(caption, known)


@pytest.mark.parametrize(
    ("caption", "told"),
    [
        ("a red umbrella left of a blue car", ["mention 0 names the noun 3, which is not there", "the relation left of does not hold"]),
        ("a blue cup left of a blue car", ["mention 0 is said to be blue and is red"]),
        ("a big red cup left of a blue car", ["mention 0 is said to be big and is small"]),
        ("a red cup right of a blue car", ["the relation right of does not hold"]),
        ("a blue car left of a red cup", ["the relation left of does not hold"]),
        ("a red cup above an orange house", ["the relation above does not hold"]),
        ("a red cup and a red mug", ["one object is named twice"]),
        ("a red cup left of a red cup", ["one object is named twice", "the relation left of does not hold"]),
    ],
)
def test_what_is_not_true_is_told(known: Lexicon, caption: str, told: list[str]) -> None:
    assert faults(read(caption, known), SCENE) == told


def test_only_captions_that_relate_can_relate_rightly(known: Lexicon) -> None:
    with pytest.raises(ValueError, match=r"meaning\.relation is None; it must relate two mentions"):
        relation_is_true(read("a red cup and a blue car", known), SCENE)


def test_shares_count_what_is_there_of_what_is_said(known: Lexicon) -> None:
    tally = Tally()
    assert set(tally.shares().values()) == {0.0}
    for caption in (
        "a red cup left of a blue car",
        "a blue cup right of a blue car",
        "a red umbrella and a blue car",
        "red cup a a blue car",
    ):
        tally.add(caption, SCENE, known)
    # eight named and one of them not there; one colour of seven wrong; the last is no sentence, but its objects count.
    assert tally.shares() == pytest.approx(
        {"sentence": 3 / 4, "all true": 1 / 4, "named object there": 7 / 8, "colour right": 6 / 7, "relation right": 1 / 2}
    )


def test_relations_need_distance_and_a_clear_side() -> None:
    middle = np.array([20.0, 20, 30, 30])

    def moved(dx: float, dy: float) -> np.ndarray:
        return middle + np.array([dx, dy, dx, dy])

    for which, (dx, dy) in enumerate([(-12, 0), (12, 0), (0, -12), (0, 12)]):
        assert relation_of(moved(dx, dy), middle) == which and relation_of(middle, moved(dx, dy)) == OPPOSITE[which]
    assert relation_of(moved(8, 0), middle) == RIGHT and relation_of(moved(7.5, 0), middle) is None
    assert relation_of(moved(12, 8), middle) == RIGHT and relation_of(moved(12, 9), middle) is None


def test_the_focus_is_the_largest_pair_that_is_related() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 20, 50, 50], [0, 0, 18, 18], [0, 30, 16, 46]])
    # 1 and 2 are the largest, but stand across from each other: 1 and 3 it is.
    assert relation_of(boxes[1], boxes[2]) is None and focus(boxes) == (1, RIGHT, 3)
    assert focus(boxes[:1]) is None


def test_five_sentences_differ_and_are_true(known: Lexicon) -> None:
    things = [Thing(int(row[0]), int(row[1]), int(row[2]), tuple(row[3:])) for row in SCENE[:3].tolist()]
    rows = focus(SCENE[:3, 3:])
    assert rows is not None and RELATIONS[rows[1]] == "above"
    forms: set[str] = set()
    for seed in range(60):
        lines = Writer(NOUNS, things, rows, np.random.default_rng(seed)).captions()
        assert len(set(lines)) == len(lines) == REFERENCES
        for line in lines:
            assert faults(read(line, known), SCENE) == [], line
            assert to_caption(to_tokens(line, known.vocabulary), known.vocabulary) == line
            forms |= {re.sub("small|little|big|large", "", line)}
    # every synonym comes up, and both ways round.
    words = " ".join(forms)
    assert all(word in words for word in ("mug", "home", "over", "under", "an orange", "below it", "above it", "picture"))


def test_lists_go_from_left_to_right(known: Lexicon) -> None:
    things = [Thing(int(row[0]), int(row[1]), int(row[2]), tuple(row[3:])) for row in SCENE[[2, 1, 0]].tolist()]
    lines = [line for seed in range(10) for line in Writer(NOUNS, things, (0, BELOW, 1), np.random.default_rng(seed)).captions()]
    lists = [[mention.noun for mention in read(line, known).mentions] for line in lines if read(line, known).relation is None]
    assert lists and all(nouns == [1, 2, 0] for nouns in lists)


def test_the_longest_sentence_fits(known: Lexicon) -> None:
    longest = "a picture of " + " and ".join(["a small red cup"] * 4)
    tokens = to_tokens(longest, known.vocabulary)
    assert len(tokens) == TOKENS and tokens[-1] == 2
    with pytest.raises(GrammarError, match="has 23 words; at most 22 fit; leave words out"):
        to_tokens(longest + " a", known.vocabulary)
    with pytest.raises(GrammarError, match=r"'teapot' in .* must be a word of the vocabulary"):
        to_tokens("a red teapot", known.vocabulary)
    with pytest.raises(GrammarError, match=r"'<eos>' in .* must be a word"):
        to_tokens("a red <eos>", known.vocabulary)


def test_a_word_with_two_meanings_is_told() -> None:
    for nouns, word in ((["orange"], "orange"), (["left"], "left"), (["cup", "picture"], "picture")):
        with pytest.raises(GrammarError, match=f"the word '{word}' must have one meaning, and has two"):
            lexicon(nouns)


def test_bleu_is_what_it_is_by_hand() -> None:
    # seven times "the" against references that have two of them: clipped to 2 of 7.
    the = ["the cat is on the mat", "there is a cat on the mat"]
    assert bleu(["the " * 7], [the], longest=1) == pytest.approx(2 / 7)
    assert bleu(["a red cup left of a blue car"], [["a red cup left of a blue car"]]) == pytest.approx(1)
    # runs of one to four: 4/5, 3/4, 2/3, 1/2, their product 1/5; lengths are equal.
    assert bleu(["a b c d x"], [["a b c d e"]]) == pytest.approx(0.2**0.25)
    # four right words of eight: no run is wrong, so the brevity penalty alone counts.
    assert bleu(["a b c d"], [["a b c d e f g h"]]) == pytest.approx(np.exp(1 - 8 / 4))
    assert bleu(["a b c"], [["a b c"]]) == 0
    # of a corpus, not the mean of sentences: 5 of 6 words, 4 of 5 pairs.
    both = bleu(["a b c d", "e x"], [["a b c d"], ["e f"]], longest=2)
    assert both == pytest.approx((5 / 6 * 3 / 4) ** 0.5)
    assert runs(["a"], 2).total() == 0


def test_bleu_wants_references() -> None:
    for references in ([["a"]], [["a"], []]):
        with pytest.raises(ValueError, match="lists for 2 candidates; give each candidate one reference at least"):
            bleu(["a", "b"], references)
