"""``python -m benchmarks grading``: the gate and what is printed; no statement about speed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

import benchmarks.__main__ as command
from autograder.engine.job import Job
from autograder.sandbox.choice import Start
from benchmarks.grading import measure as grading
from benchmarks.grading.measure import GateError, measure, solved, start_up


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Start]]:
    """Stand in for grading; returns what was graded, in order."""
    seen: list[tuple[str, Start]] = []

    def grade(job: Job) -> SimpleNamespace:
        seen.append((job.notebook, job.start))
        return SimpleNamespace(receipt=b"the same")

    monkeypatch.setattr(grading, "grade_one", grade)
    monkeypatch.setattr(grading, "fork_faults", lambda: ())
    monkeypatch.setattr(grading, "start_up", lambda start: {"ready": 1.0 + (start is Start.FRESH), "imported": 2.0, "cpu": 0.5})
    return seen


def test_both_ways_take_turns_and_the_table_says_what_was_measured(
    graded: list[tuple[str, Start]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["grading", "--rounds", "2", "--notebook", "1_heatmaps", "--json"]) == 0
    assert graded == [("1_heatmaps", start) for start in (Start.FRESH, Start.FORKED, Start.FORKED, Start.FRESH)]
    told = json.loads(capsys.readouterr().out)
    assert told["same_marks"] and told["start_up"][0] == {"what": "ready", "fresh_s": 2.0, "forked_s": 1.0, "speedup": 2.0}
    assert command.main(["grading", "--rounds", "1", "--notebook", "1_heatmaps"]) == 0
    assert "ready                   fresh     2.0 s  forked     1.0 s  2.0 times" in capsys.readouterr().out


def test_no_figure_is_printed_where_marks_differ_or_nothing_can_be_forked(
    graded: list[tuple[str, Start]], root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    receipts = itertools.cycle([b"one", b"another"])
    monkeypatch.setattr(grading, "grade_one", lambda job: SimpleNamespace(receipt=next(receipts)))
    with pytest.raises(GateError, match="receipts depend on how the kernel was started: 1_heatmaps"):
        measure(root, "a1_pose", ["1_heatmaps"], 1)
    monkeypatch.setattr(grading, "fork_faults", lambda: ("own namespaces: broken: net",))
    assert command.main(["grading"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "own namespaces: broken: net" in captured.err


def test_a_solved_notebook_is_handed_in_without_its_outputs(root: Path) -> None:
    job = solved(root, "a1_pose", "1_heatmaps")
    code = [cell for cell in nbformat.reads(job.content.decode(), as_version=4).cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs for cell in code) and job.walls


@pytest.mark.needs_walls
def test_a_kernel_starts_each_way() -> None:
    for start in Start.FRESH, Start.FORKED:
        found = start_up(start)
        assert 0 < found["ready"] <= found["imported"] and found["cpu"] > 0
