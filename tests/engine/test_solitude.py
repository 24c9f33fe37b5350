"""Beside others or alone: who waits for whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.engine.solitude import lock_path, solitude

ROOT = Path(__file__).resolve().parents[2]
OTHER = """
import sys; from pathlib import Path
from autograder.engine.solitude import solitude
with solitude(Path(sys.argv[1]), alone=sys.argv[2] == "alone"):
    print("in", flush=True)
"""


def other(course: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", OTHER, str(course), how], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def got_in(process: subprocess.Popen[str], within_s: float) -> bool:
    try:
        return process.wait(within_s) == 0
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(("mine", "theirs", "waits"), [(False, "beside", False), (False, "alone", True), (True, "beside", True)])
def test_who_waits(tmp_path: Path, mine: bool, theirs: str, waits: bool) -> None:
    with solitude(tmp_path, alone=mine):
        process = other(tmp_path, theirs)
        try:
            assert got_in(process, 3.0 if waits else 60.0) is not waits
        except BaseException:
            process.kill()
            raise
    assert got_in(process, 60.0)
    assert process.stdout is not None and process.stdout.read() == "in\n"
    process.stdout.close()


def test_another_course_is_not_waited_for(tmp_path: Path) -> None:
    with solitude(tmp_path / "one", alone=True):
        process = other(tmp_path / "two", "alone")
        assert got_in(process, 60.0)
        assert process.stdout is not None
        process.stdout.close()
    assert lock_path(tmp_path / "one") != lock_path(tmp_path / "two")
