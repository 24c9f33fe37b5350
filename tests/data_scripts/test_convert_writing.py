"""A plan carried out: whole or not at all, never over a file unasked, the same bytes every time, and never all in memory."""

from __future__ import annotations

import gzip
import tracemalloc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from foreign_files import TERMS, idx, silent

from data_scripts.builder import BuildError
from data_scripts.convert import mnist
from data_scripts.convert.faults import SourceInvalid
from data_scripts.convert.plan import Batch, Plan, Tally
from data_scripts.convert.provenance import UNSTATED, Terms, sources
from data_scripts.convert.writing import carry_out, check_target
from vislab.data import open_dataset
from vislab.data.layout.faults import ContentInvalid
from vislab.data.layout.provenance import Source

SOURCES = [Source("made here", "1", "MIT", "", "everything")]


def plan(batches: Iterator[Batch], rows: int, side: int = 28) -> Plan:
    return Plan("digits_plain", {("", "train"): rows}, (1, side, side), SOURCES, "tests", lambda: batches)


def digits(rows: int, side: int = 28) -> dict[str, Any]:
    return {"img": np.zeros((rows, 1, side, side), np.uint8), "label": np.zeros(rows, np.uint8), "split": np.zeros(rows, np.uint8)}


def test_a_source_is_consumed_piece_by_piece(tmp_path: Path) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def batches() -> Iterator[Batch]:
        nonlocal most
        for _ in range(40):
            columns = digits(1024)
            alive.append(weakref.ref(columns["img"]))
            yield "", columns
            del columns
            most = max(most, sum(reference() is not None for reference in alive))

    carry_out(plan(batches(), 40 * 1024), tmp_path / "new.h5", silent)
    assert len(alive) == 40 and most <= 2
    # the twin that keeps what it made is seen.
    kept: list[Batch] = []
    alive.clear()

    def hoarding() -> Iterator[Batch]:
        for batch in batches():
            kept.append(batch)
            yield batch

    carry_out(plan(hoarding(), 40 * 1024), tmp_path / "twin.h5", silent)
    assert most == 40


def test_a_set_larger_than_the_memory_it_takes(tmp_path: Path) -> None:
    rows, side = 40_000, 56
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb", compresslevel=1) as file:
        file.write(bytes([0, 0, 8, 3]) + rows.to_bytes(4, "big") + side.to_bytes(4, "big") * 2)
        for _ in range(rows // 1000):
            file.write(bytes(1000 * side * side))
    idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(rows) % 10)
    set_bytes = rows * side * side
    tracemalloc.start()
    try:
        made = mnist.plan([tmp_path], split="auto", val_count=0, count=None, terms=TERMS)
        done = carry_out(made, tmp_path / "new.h5", silent)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.report.rows == {"": rows} and made.image_bytes == set_bytes == 125_440_000
    # 32 MiB are verified at a time, and twice that is held while they are.
    assert peak < 0.75 * set_bytes, f"peak {peak / 1e6:.0f} MB"


def test_the_same_source_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        idx(tmp_path / name / "train-images-idx3-ubyte", np.arange(7 * 9).reshape(7, 3, 3))
        idx(tmp_path / name / "train-labels-idx1-ubyte", np.arange(7))
        made = mnist.plan([tmp_path / name], split="hash", val_count=0, count=None, terms=TERMS)
        carry_out(made, tmp_path / name / "new.h5", silent)
    assert (tmp_path / "one" / "new.h5").read_bytes() == (tmp_path / "two" / "new.h5").read_bytes()
    idx(tmp_path / "two" / "train-images-idx3-ubyte", np.arange(7 * 9).reshape(7, 3, 3) + 1)
    carry_out(mnist.plan([tmp_path / "two"], split="hash", val_count=0, count=None, terms=TERMS), tmp_path / "two" / "new.h5", silent)
    assert (tmp_path / "one" / "new.h5").read_bytes() != (tmp_path / "two" / "new.h5").read_bytes()


@pytest.mark.parametrize("error", [SourceInvalid("broken off"), KeyboardInterrupt(), SystemExit(143), MemoryError()])
def test_what_is_interrupted_leaves_nothing_and_keeps_what_was_there(tmp_path: Path, error: BaseException) -> None:
    def batches() -> Iterator[Batch]:
        yield "", digits(3000)
        raise error

    with pytest.raises(type(error)):
        carry_out(plan(batches(), 6000), tmp_path / "new.h5", silent)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "new.h5").write_text("what was there")
    with pytest.raises(type(error)):
        carry_out(plan(batches(), 6000), tmp_path / "new.h5", silent)
    assert [path.name for path in tmp_path.iterdir()] == ["new.h5"] and (tmp_path / "new.h5").read_text() == "what was there"


def test_content_that_breaks_the_layout_leaves_nothing(tmp_path: Path) -> None:
    wrong = digits(4) | {"label": np.full(4, 10, np.uint8)}
    with pytest.raises(ContentInvalid, match=r"label\[0\] is 10; it must be in \[0, 9\]"):
        carry_out(plan(iter([("", wrong)]), 4), tmp_path / "new.h5", silent)
    assert list(tmp_path.iterdir()) == []


def test_nothing_left_is_told_with_reasons(tmp_path: Path) -> None:
    empty = replace(plan(iter(()), 4), tally=Tally({"people left out: picture missing": 4}))
    with pytest.raises(SourceInvalid, match=r"nothing is left to write \(people left out: picture missing: 4\); one row at least must be"):
        carry_out(empty, tmp_path / "new.h5", silent)
    assert list(tmp_path.iterdir()) == []


def test_targets_that_must_not_be_written(tmp_path: Path) -> None:
    source = tmp_path / "source.h5"
    source.write_text("")
    (tmp_path / "there.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "link.h5").symlink_to(source)
    for path, force, told in (
        (tmp_path, False, r"--out .* is a folder; it must name a file; write --out .*NAME.h5"),
        (tmp_path / "none" / "a.h5", False, r"the folder .*none must exist; make it first"),
        (tmp_path / "there.h5", False, r"there.h5 exists; it is not replaced unasked; pass --force, or choose another name"),
        (tmp_path / "picture.jpg", True, r"picture.jpg is no HDF5 file; --force replaces those alone; choose another name"),
        (source, True, r"source.h5 is the file to be converted; it must be another one"),
        (tmp_path / "link.h5", True, r"link.h5 is the file to be converted; it must be another one"),
    ):
        with pytest.raises(BuildError, match=told):
            check_target(path, [source], force)
    check_target(tmp_path / "there.h5", [source], True)
    check_target(tmp_path / "new.h5", [source], False)


def test_provenance_says_whose_licence_it_is(tmp_path: Path) -> None:
    idx(tmp_path / "train-images-idx3-ubyte", np.zeros((2, 3, 3)))
    idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(2))
    for terms, licence in ((Terms("CC-BY-SA-3.0", "Y. LeCun, C. Cortes"), "CC-BY-SA-3.0"), (Terms(), UNSTATED)):
        carry_out(mnist.plan([tmp_path], split="auto", val_count=0, count=None, terms=terms), tmp_path / "new.h5", silent)
        said = open_dataset(tmp_path / "new.h5").attributes
        assert said["licences"] == [licence] and said["attribution"] == terms.attribution
        assert "The licence is the source's own" in str(said["licence_note"]) and "the licence is that of the source" in str(
            said["sources"]
        )
        assert str(tmp_path) not in str(said) and said["generator"] == "python -m data_scripts convert mnist --split auto"
    (one,) = sources("x", [tmp_path / "train-labels-idx1-ubyte"], Terms())
    assert one.version.startswith("train-labels-idx1-ubyte, sha256 ") and len(one.version.split()[-1]) == 16
    with h5py.File(tmp_path / "new.h5") as file:
        assert "seed" not in file.attrs
