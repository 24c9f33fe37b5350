"""A notebook with a test in it, through walls and judge: the test is judged apart, and is no oracle for anything else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from autograder.engine.grade_one import Attempts, grade_one
from autograder.engine.job import Job, Result
from autograder.judge.bench import end_benches

FOLDER = Path(__file__).parent / "fixtures" / "s1_duo"
SETUP = "import os, pathlib, torch\nfrom vislab.check import check"
CENTRE = "def centre(rows):\n    if rows.shape[-1] == 0:\n        raise ValueError()\n    return rows - rows.mean(dim=-1, keepdim=True)"
HONEST = (Path(__file__).parent / "fixtures" / "s1_duo" / "accepted" / "test_centre" / "properties.py").read_text()
# keeps every implementation and every answer, and asks them again when another exercise is checked.
THIEF = f"""
kept, note = [], pathlib.Path("/tmp/answers.pt")
{HONEST}
honest = test_centre
def test_centre(impl):
    kept.append(impl)
    torch.save(impl(torch.arange(15.0).reshape(3, 5)), note)
    pathlib.Path("answers.txt").write_text("seen")
    honest(impl)
"""
ORACLE = """
def centre(rows):
    for impl in kept:
        return impl(rows)
    if note.exists() or pathlib.Path("answers.txt").exists():
        return torch.load(note)
    return rows
"""


@pytest.fixture
def graded(tmp_path: Path) -> Callable[..., Result]:
    def grade(test: str, centre: str = CENTRE) -> Result:
        def cell(source: str, name: str, **told: str) -> nbformat.NotebookNode:
            return nbformat.v4.new_code_cell(source, id=name, metadata={"vislab": told} if told else {})

        cells = [
            cell(SETUP, "setup"),
            cell(test, "test"),
            cell("def centre(rows):\n    return rows", "early"),
            cell('check("duo.test_centre", test_centre, right=centre)', "check-test", check="duo.test_centre"),
            cell(centre, "centre"),
            cell('check("duo.centre", centre)', "check-centre", check="duo.centre"),
        ]
        content = nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
        (tmp_path / "duo.ipynb").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return grade_one(Job("ada", "s1_duo", "duo", content, digest, FOLDER, tmp_path, b"a secret of thirty-two bytes or so"))

    return grade


def verdicts(result: Result) -> dict[str, tuple[str, float]]:
    return {entry["name"]: (entry["verdict"], entry["points"]) for entry in result.ledger["exercises"]}


@pytest.mark.needs_walls
def test_a_test_is_judged_and_is_no_oracle(graded: Callable[..., Result]) -> None:
    result = graded(THIEF, ORACLE)
    assert verdicts(result) == {"duo.test_centre": ("OK", 3.0), "duo.centre": ("WRONG_VALUE", 0.0)}, result.log
    # the notebook's own run, and two kernels for the test.
    run = result.ledger["run"]
    assert run["runs"] == len(run["wall_s"]) == 1 and len(run["apart_s"]) == 2


def test_a_bench_that_cannot_start_is_our_failure(graded: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise OSError("no room for a process")

    # one that an earlier test left would be lent.
    end_benches()
    own = SimpleNamespace(records={}, outcome=None, attempts=Attempts(), walls_s=[])
    monkeypatch.setattr("autograder.judge.bench.ProcessBench.__enter__", broken)
    monkeypatch.setattr("autograder.engine.grade_one._rounds", lambda *told: own)
    result = graded(HONEST)
    assert result.is_grader_error and "no room for a process" in result.ledger["error"]
