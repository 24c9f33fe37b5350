"""IDX files: read back by hand, in pieces, and what is wrong with them told."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from foreign_files import TERMS, idx, silent

from data_scripts.builder import BuildError
from data_scripts.convert import distorted_digits, mnist
from data_scripts.convert import idx as reader
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.writing import carry_out
from data_scripts.digits.verification import findings
from data_scripts.production import read
from vislab.data import open_dataset, split_rows


def folder_of(place: Path, suffix: str = "", train: int = 7, test: int = 3) -> Path:
    """Pictures whose pixels count from the row's number on; the label is the row's number."""
    place.mkdir(exist_ok=True)
    for name, rows, first in (("train", train, 0), ("t10k", test, 100)):
        values = (first + np.arange(rows)[:, None, None] + np.arange(20).reshape(5, 4)).astype(np.uint8)
        idx(place / f"{name}-images-idx3-ubyte{suffix}", values)
        idx(place / f"{name}-labels-idx1-ubyte{suffix}", np.arange(rows) % 10)
    return place


def convert(inputs: list[Path], to: Path, **changed: object) -> Path:
    options: dict[str, object] = {"split": "auto", "val_count": 0, "count": None, "terms": TERMS} | changed
    return carry_out(mnist.plan(inputs, **options), to, silent).path  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_numbers_are_read_back(tmp_path: Path, suffix: str) -> None:
    data = open_dataset(convert([folder_of(tmp_path / "raw", suffix)], tmp_path / "mnist.h5"))
    assert data.set_name == "digits_plain" and data["img"].shape == (10, 1, 5, 4)
    assert data["img"][2].tolist() == [[[2, 3, 4, 5], [6, 7, 8, 9], [10, 11, 12, 13], [14, 15, 16, 17], [18, 19, 20, 21]]]
    assert data["img"][7].min() == 100 and data["label"].numpy().tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]
    assert data["split"].numpy().tolist() == [0] * 7 + [2] * 3
    assert split_rows(data, "test").tolist() == [7, 8, 9]


def test_plain_and_packed_files_give_the_same_rows(tmp_path: Path) -> None:
    plain = open_dataset(convert([folder_of(tmp_path / "a")], tmp_path / "a.h5"))
    packed = open_dataset(convert([folder_of(tmp_path / "b", ".gz")], tmp_path / "b.h5"))
    assert np.array_equal(plain["img"].numpy(), packed["img"].numpy())


def test_files_are_paired_by_name_not_by_order(tmp_path: Path) -> None:
    raw = folder_of(tmp_path / "raw")
    files = sorted(raw.iterdir(), reverse=True)
    assert open_dataset(convert(files, tmp_path / "m.h5"))["label"].numpy().tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]


def test_the_last_training_rows_validate(tmp_path: Path) -> None:
    data = open_dataset(convert([folder_of(tmp_path / "raw")], tmp_path / "m.h5", val_count=2, count=6))
    assert data["split"].numpy().tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2]
    with pytest.raises(BuildError, match=r"--val-count 7 must lie in \[0, 7\), the training rows of .*train-images"):
        convert([tmp_path / "raw"], tmp_path / "n.h5", val_count=7)


def test_a_hash_splits_whatever_the_names_say(tmp_path: Path) -> None:
    data = open_dataset(convert([folder_of(tmp_path / "raw", train=300)], tmp_path / "m.h5", split="hash", count=9))
    longer = mnist.plan([tmp_path / "raw"], split="hash", val_count=0, count=10, terms=TERMS)
    assert sum(longer.rows.values()) == 10 + 3
    # rows keep their split when there are more of them.
    batches = list(longer.batches())
    assert np.array_equal(batches[0][1]["split"][:9], data["split"].numpy()[:9])


def test_rows_come_in_pieces(tmp_path: Path) -> None:
    path = idx(tmp_path / "train-images-idx3-ubyte.gz", np.zeros((1000, 2, 2), np.uint8))
    pieces = list(reader.rows(reader.header(path), 300))
    assert [len(piece) for piece in pieces] == [300, 300, 300, 100]
    empty = idx(tmp_path / "none-images", np.zeros((0, 2, 2), np.uint8))
    assert list(reader.rows(reader.header(empty), 300)) == []


def spoil(raw: Path, name: str, change) -> None:
    path = raw / name
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (
            "train-images-idx3-ubyte",
            lambda b: b[:-1],
            "train-images-idx3-ubyte breaks off after 6 rows; its head promises 7; it is truncated",
        ),
        ("train-images-idx3-ubyte", lambda b: b + b"?", "goes on after the 7 rows that its head promises; it is damaged; copy it again"),
        ("train-labels-idx1-ubyte", lambda b: b[:6], "breaks off in its head; it is truncated; copy it again"),
        (
            "train-labels-idx1-ubyte",
            lambda b: b"",
            r"is no IDX file: it begins with b''; two zero bytes must come first; pass train-images",
        ),
        ("train-images-idx3-ubyte", lambda b: b"\x89PNG" + b[4:], r"is no IDX file: it begins with b'\x89PNG'; two zero bytes"),
        (
            "train-images-idx3-ubyte",
            lambda b: b[:2] + b"\x0d" + b[3:],
            "holds IDX type 13 with 3 axes; it must be type 8 (unsigned bytes) with",
        ),
        (
            "train-images-idx3-ubyte",
            lambda b: b[:8] + b"\xff" + b[9:],
            "promises pictures of (4278190085, 4) pixels; sides must lie in [1, 4096]",
        ),
        ("t10k-images-idx3-ubyte", lambda b: gzip.compress(b)[:-9], "t10k-images-idx3-ubyte is damaged or truncated: "),
        (
            "t10k-labels-idx1-ubyte",
            lambda b: b[:-1] + b"\x0a",
            "label 2 is 10; it must be in [0, 9]; sets of more classes have no place in",
        ),
    ],
)
def test_faults_are_told(tmp_path: Path, name: str, change, told: str) -> None:
    raw = folder_of(tmp_path / "raw")
    spoil(raw, name, change)
    with pytest.raises(SourceInvalid, match=re.escape(told)):
        convert([raw], tmp_path / "m.h5")
    assert not list(tmp_path.glob("*.h5")) and not list(tmp_path.glob(".*"))


def test_pairs_that_are_none_are_told(tmp_path: Path) -> None:
    raw = folder_of(tmp_path / "raw")
    with pytest.raises(BuildError, match=r"train-images-idx3-ubyte has no file of labels beside it; .*; pass train-labels-... too"):
        convert([raw / "train-images-idx3-ubyte"], tmp_path / "m.h5")
    with pytest.raises(SourceInvalid, match=r"has 4 pictures and .* 7 labels; there must be one for each"):
        idx(raw / "train-images-idx3-ubyte", np.zeros((4, 5, 4)))
        convert([raw], tmp_path / "m.h5")
    with pytest.raises(SourceInvalid, match=r"pictures have the sizes \[\(3, 3\), \(5, 4\)\]; they must have one"):
        idx(raw / "train-images-idx3-ubyte", np.zeros((7, 3, 3)))
        convert([raw], tmp_path / "m.h5")
    (tmp_path / "none").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no IDX files; their names must have -ubyte in them"):
        convert([tmp_path / "none"], tmp_path / "m.h5")
    with pytest.raises(BuildError, match=r"are both called train-...; a pair must have one file of pictures"):
        convert([raw, idx(tmp_path / "train-labels-again", np.zeros(7))], tmp_path / "m.h5")
    with pytest.raises(FileNotFoundError, match=r"train-labels is no file; it must be an IDX file, plain or .gz"):
        convert([tmp_path / "train-labels"], tmp_path / "m.h5")


def test_digits_under_the_courses_distortions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, rows in (("train", 40), ("t10k", 12)):
        images = np.zeros((rows, 28, 28))
        images[:, 6:22, 6:22] = rng.integers(100, 256, (rows, 16, 16))
        idx(tmp_path / f"{name}-images-idx3-ubyte", images)
        idx(tmp_path / f"{name}-labels-idx1-ubyte", np.arange(rows) % 10)
    made = distorted_digits.plan([tmp_path], count=48, seed=3, terms=TERMS, progress=silent)
    carry_out(made, tmp_path / "digits.h5", silent)
    base, turned = open_dataset(tmp_path / "digits.h5", "base"), open_dataset(tmp_path / "digits.h5", "R/test")
    assert base.set_name == "digits" and base["split"].numpy().tolist() == [0] * 40 + [2] * 12 and turned["img"].shape == (12, 1, 28, 28)
    assert turned["label"].numpy().tolist() == base["label"].numpy()[turned["base"].numpy()].tolist()
    # as long as the course's own digits, and drawn in the same way: the set's own checks hold.
    stored = read(tmp_path / "digits.h5")
    assert [finding.check for finding in findings(stored) if not finding.ok] == []
    assert "--distort 48 --seed 3" in str(base.attributes["generator"]) and base.attributes["licences"] == ["CC-BY-4.0"]


def test_digits_that_cannot_be_distorted_are_told(tmp_path: Path) -> None:
    raw = folder_of(tmp_path / "raw")
    with pytest.raises(BuildError, match="the pictures are 4 x 5; --distort asks for 28 x 28; leave it out"):
        distorted_digits.plan([raw], count=4, seed=0, terms=TERMS, progress=silent)
    idx(raw / "train-images-idx3-ubyte", np.zeros((7, 28, 28)))
    files = [raw / "train-images-idx3-ubyte", raw / "train-labels-idx1-ubyte"]
    with pytest.raises(BuildError, match="there are no test digits; --distort needs both"):
        distorted_digits.plan(files, count=4, seed=0, terms=TERMS, progress=silent)
