"""The store: whole results or none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from autograder.engine.job import Result
from autograder.engine.store import KEY, LEDGER, LedgerStore, StoreError


def result(points: float = 1.0) -> Result:
    return Result(b"{}", {"status": "GRADED", "points": points}, b"receipt", ("a line",))


def test_what_was_put_comes_back_under_its_key_alone(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path)
    store.put("a1", "ada", "one", "key-1", result())
    assert store.get("a1", "ada", "one", "key-1") == result()
    assert store.get("a1", "ada", "one") == result()
    assert store.get("a1", "ada", "one", "key-2") is None
    assert store.get("a1", "ben", "one") is None


def test_a_new_result_replaces_the_old_one(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path)
    store.put("a1", "ada", "one", "key-1", result())
    store.put("a1", "ada", "one", "key-2", result(2.0))
    assert store.get("a1", "ada", "one", "key-1") is None
    assert store.ledgers("a1") == [("ada", "one", {"status": "GRADED", "points": 2.0})]


@pytest.mark.parametrize("name", [KEY, LEDGER])
def test_a_half_written_result_counts_as_absent(tmp_path: Path, name: str) -> None:
    store = LedgerStore(tmp_path)
    store.put("a1", "ada", "one", "key-1", result())
    (store.folder("a1", "ada", "one") / name).write_text("")
    assert store.get("a1", "ada", "one", "key-1") is None


def test_a_full_disk_keeps_the_old_result_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LedgerStore(tmp_path)
    store.put("a1", "ada", "one", "key-1", result())

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        StoreError, match=r"could not be stored \(No space left on device\); free space .* run the same grade command again"
    ):
        store.put("a1", "ada", "one", "key-2", result(2.0))
    assert store.get("a1", "ada", "one", "key-1") == result()
    assert [path.name for path in (tmp_path / "a1" / "ada").iterdir()] == ["one"]


def test_what_a_killed_run_was_writing_is_no_notebook_and_goes_later(tmp_path: Path) -> None:
    store = LedgerStore(tmp_path)
    store.put("a1", "ada", "one", "key-1", result())
    # whole, but not in its place yet.
    store.folder("a1", "ada", "one").rename(tmp_path / "a1" / "ada" / ".one.x1")
    assert store.get("a1", "ada", "one") is None and store.ledgers("a1") == []
    store.put("a1", "ada", "one", "key-1", result())
    assert [student for student, _, _ in store.ledgers("a1")] == ["ada"]
    assert (tmp_path / "a1" / "ada" / ".one.x1").exists(), "another run may be writing it"
    os.utime(tmp_path / "a1" / "ada" / ".one.x1", (1, 1))
    store.put("a1", "ada", "one", "key-2", result())
    assert sorted(path.name for path in (tmp_path / "a1" / "ada").iterdir()) == ["one"]
