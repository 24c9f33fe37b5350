"""Captions: words, vocabulary, tokens read back into sentences, and files that do not fit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from foreign_files import TERMS, coco, coco_caption, coco_image, photograph, silent

from data_scripts.builder import BuildError
from data_scripts.convert import coco_captions, words
from data_scripts.convert.coco_captions import Shape
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.picture import Pictures
from data_scripts.convert.plan import Plan
from data_scripts.convert.verification import inspect_path
from data_scripts.convert.writing import carry_out
from vislab.data import open_dataset

CAPTIONS = {
    1: ["A dog runs.", "The dog, it runs!", "a  dog"],
    2: ["A red cat sits on the mat and sleeps all day", "Two cats?", "A cat."],
    3: ["the man's hat", "A man", "a HAT"],
}


def plan(inputs: list[Path], images: Path, **changed: object) -> Plan:
    options: dict[str, object] = {
        "shape": Shape(16, "pad", 3, 8),
        "least": 2,
        "vocabulary": None,
        "split": "auto",
        "count": None,
        "skip": False,
        "terms": TERMS,
        "progress": silent,
    }
    return coco_captions.plan(inputs, Pictures([images]), **(options | changed))  # type: ignore[arg-type]


def file(path: Path, *numbers: int, captions: dict[int, list[str]] | None = None) -> Path:
    """An annotation file of some of the three pictures; captions are listed last picture first."""
    held = captions or CAPTIONS
    images = [coco_image(number, f"{number}.png", 32, 16) for number in numbers]
    listed = [(number, caption) for number in reversed(numbers) for caption in held[number]]
    return coco(path, images, [coco_caption(place, number, caption) for place, (number, caption) in enumerate(listed)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in CAPTIONS:
        photograph(tmp_path / "images" / f"{number}.png", 32, 16, {(x, y): (50 * number, 0, 0) for x in range(32) for y in range(8)})
    return tmp_path / "images"


def test_words_are_found() -> None:
    assert words.words("A man’s well-known CAFÉ, no. 2 (open)!") == ["a", "man's", "well", "known", "café", "no", "2", "open"]
    assert words.words("  ...  ") == []


def test_the_vocabulary_by_hand() -> None:
    known = words.count(["b a", "b c", "a b", "d"], least=2)
    assert known.listed == ("<pad>", "<bos>", "<eos>", "<unk>", "b", "a") and known.occurrences == (0, 0, 0, 2, 3, 2)
    tokens, cut = words.encoded(["a d b", "", "a a a a"], known.numbers(), 5)
    assert tokens.tolist() == [[1, 5, 3, 4, 2], [1, 2, 0, 0, 0], [1, 5, 5, 5, 2]] and cut == 1 and tokens.dtype == np.int32


def test_captions_are_read_back(folder: Path, tmp_path: Path) -> None:
    made = plan([file(tmp_path / "captions_train2017.json", 1, 2), file(tmp_path / "captions_val2017.json", 3)], folder)
    assert made.rows == {("train", "train"): 2, ("val", "val"): 1}
    carry_out(made, tmp_path / "captions.h5", silent)
    train, val = (open_dataset(tmp_path / "captions.h5", table) for table in ("train", "val"))
    vocabulary = open_dataset(tmp_path / "captions.h5", "vocabulary")["word"].numpy().tolist()
    # training captions alone are counted: hat and man stand twice in the others.
    assert vocabulary == ["<pad>", "<bos>", "<eos>", "<unk>", "a", "dog", "cat", "runs", "the"]
    assert train["captions"].numpy().tolist() == [[*CAPTIONS[1][:2], "a dog"], CAPTIONS[2]]
    sentence = [vocabulary[token] for token in train["tokens"][0][1]]
    assert sentence == ["<bos>", "the", "dog", "<unk>", "runs", "<eos>", "<pad>", "<pad>"]
    assert val["tokens"][0][0].tolist() == [1, 8, 3, 3, 2, 0, 0, 0]
    assert made.tally.counts == {"captions cut to 6 words": 1}
    # 32 x 16 in a square of 16: black above and below.
    assert train["img"].shape == (2, 3, 16, 16)
    assert train["img"][1][0, 4:8].min() >= 90 and train["img"][1][0, :4].max() == 0 and val["picture"].numpy().tolist() == ["3.png"]
    assert train["annotation"].numpy().tolist() == [1, 2] and val["group"].numpy().tolist() == [2]
    assert inspect_path(tmp_path / "captions.h5", silent).ok


def test_words_of_another_file(folder: Path, tmp_path: Path) -> None:
    carry_out(plan([file(tmp_path / "captions_train2017.json", 1, 2)], folder), tmp_path / "train.h5", silent)
    made = plan([file(tmp_path / "captions_val2017.json", 3)], folder, vocabulary=tmp_path / "train.h5")
    carry_out(made, tmp_path / "val.h5", silent)
    assert open_dataset(tmp_path / "val.h5", "val")["tokens"][0][0].tolist() == [1, 8, 3, 3, 2, 0, 0, 0]
    words_of = [open_dataset(tmp_path / f"{name}.h5", "vocabulary")["word"].numpy().tolist() for name in ("train", "val")]
    assert words_of[0] == words_of[1]
    # without one, the only captions there are give the words.
    alone = plan([tmp_path / "captions_val2017.json"], folder)
    carry_out(alone, tmp_path / "alone.h5", silent)
    assert open_dataset(tmp_path / "alone.h5", "vocabulary")["word"].numpy().tolist()[4:] == ["a", "hat"]


def test_more_captions_than_asked_for_are_counted(folder: Path, tmp_path: Path) -> None:
    made = plan([file(tmp_path / "captions_train2017.json", 1, 2)], folder, shape=Shape(16, "crop", 2, 24))
    carry_out(made, tmp_path / "c.h5", silent)
    assert open_dataset(tmp_path / "c.h5", "train")["tokens"].shape == (2, 2, 24)
    assert made.tally.counts == {"captions left out: beyond the first 2 of a picture": 2}


def test_a_hash_makes_splits_that_stay(folder: Path, tmp_path: Path) -> None:
    numbers = range(10, 40)
    for number in numbers:
        photograph(folder / f"{number}.png", 32, 16, {(number - 10, 3): (255, 0, 0)})
    path = file(tmp_path / "all.json", *numbers, captions={number: CAPTIONS[1] for number in numbers})
    whole, part = plan([path], folder), plan([path], folder, count=11)
    assert sum(whole.rows.values()) == 30 and len(whole.rows) > 1 and part.total == 11
    carry_out(whole, tmp_path / "all.h5", silent)
    groups = [open_dataset(tmp_path / "all.h5", name)["group"].numpy().tolist() for name, _ in whole.rows]
    assert sorted(number for group in groups for number in group) == list(range(30))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda p: file(p, 1, 2, captions={1: ["a dog"], 2: CAPTIONS[2]}),
            "picture 1 has 1 captions; every one must have 3; pass --references 1",
        ),
        (
            lambda p: coco(p, [coco_image(1, "1.png", 32, 16)], [{"id": 1, "image_id": 1}]),
            "annotations[0] has no 'caption'; it must be text; this",
        ),
        (
            lambda p: coco(p, [coco_image(1, "1.png", 32, 16)], [{"id": 1, "image_id": 1, "caption": 3}]),
            "has the caption 3; it must be text",
        ),
        (lambda p: coco(p, [], [coco_caption(4, 1, "a dog")]), "annotation 4 is of picture 1, which images does not list"),
        (lambda p: file(p, 1, 9, captions={1: CAPTIONS[1], 9: CAPTIONS[1]}), "1 of 2 annotated pictures are not in "),
    ],
)
def test_faults_are_told_or_left_out(folder: Path, tmp_path: Path, make, told: str) -> None:
    path = make(tmp_path / "captions_train2017.json")
    with pytest.raises(SourceInvalid, match=re.escape(told)):
        plan([path], folder)
    if "must be text" not in told:
        made = plan([path], folder, skip=True)
        assert made.total < 2 and sum(made.tally.counts.values()) == 1


def test_a_vocabulary_of_another_set_is_told(folder: Path, tmp_path: Path, toy_file: Path) -> None:
    with pytest.raises(
        BuildError, match=r"--vocabulary .*icons.h5 holds the set icons; it must hold captions; pass a file of coco-captions"
    ):
        plan([file(tmp_path / "train.json", 1)], folder, vocabulary=toy_file)


@pytest.fixture
def toy_file(toy, tmp_path: Path) -> Path:
    from data_scripts.production import write

    write(toy, tmp_path / "icons.h5", 4, 0, silent)
    return tmp_path / "icons.h5"
