"""Hostile and merely odd downloads of learning-management systems, through nbgrader's zip_collect and intake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hostile_files
import pytest
from lms_archives import DOWNLOADS, SOLVED, Download, download, packed, run


def test_there_are_enough_downloads() -> None:
    assert len(DOWNLOADS) >= 30 and len({each.name for each in DOWNLOADS}) == len(DOWNLOADS)


@pytest.mark.parametrize("recipe", DOWNLOADS, ids=lambda recipe: recipe.name)
def test_a_download_is_unpacked_safely(recipe: Download, tmp_path: Path) -> None:
    assert run(recipe, tmp_path) == recipe.status


def test_downloads_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    good = [each for each in DOWNLOADS if each.name in ("absolute_path", "empty_archive")]
    monkeypatch.setattr(hostile_files, "DOWNLOADS", [*good, replace(good[0], name="twin", status="unreadable")])
    count = hostile_files.count_downloads()
    assert (count.fixtures, count.definite, count.statuses) == (3, 2, {"ok": 1, "nothing": 1})
    assert count.failures["twin"].strip().endswith("AssertionError: ok, expected unreadable")


def test_a_promise_that_is_broken_is_seen(tmp_path: Path) -> None:
    good = next(each for each in DOWNLOADS if each.name == "absolute_path")
    broken = {
        "status": (replace(good, status="unreadable"), "ok, expected unreadable"),
        "log": (replace(good, said="it is a bomb"), "the log lacks 'it is a bomb'"),
        "student": (replace(good, student="77"), "work was given to"),
    }
    for name, (recipe, told) in broken.items():
        (tmp_path / name).mkdir()
        with pytest.raises(AssertionError, match=told):
            run(recipe, tmp_path / name)


def test_a_collector_that_follows_every_name_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the wall taken down that makes names safe, the very same download is seen to escape."""
    monkeypatch.setattr("autograder.intake.archive.safe_parts", lambda name: name.split("/"))
    monkeypatch.setattr("autograder.gradebook.collector.safe_parts", lambda name: name.split("/"))
    out = download("ok")(_out)
    recipe = DOWNLOADS.pop()
    assert out is _out and recipe.name == "_out"
    with pytest.raises(AssertionError, match=r"something was written beside the course|or into it"):
        run(recipe, tmp_path)


def _out() -> bytes:
    return packed([("../../../../../evil", b"x"), ("1_pose.ipynb", SOLVED)])
