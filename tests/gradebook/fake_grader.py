"""Stands for the sandbox and the judge: gives the result that a test has prepared, through the same ledger code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat

from autograder.engine.job import Result
from autograder.exercise.exercise import Exercise
from autograder.judge.ledger import Subject, make_error_ledger, make_ledger, receipt
from autograder.judge.records import CaseRecord, CheckRecord, Ending, Observation
from vislab.check.verdict import Family, Verdict


class First(Exercise):
    name = "pose.first"
    title = "First <b>exercise</b>"
    symbol = "first"
    points = {"value": 4.0, "edge": 0.5, "rule": 0.5}


class Extra(Exercise):
    name = "pose.extra"
    title = "Extra exercise"
    symbol = "extra"
    points = {"value": 2.0}
    bonus = True


class Second(Exercise):
    name = "pose.second"
    title = "Second exercise"
    symbol = "second"
    points = {"value": 4.0}


EXERCISES = {"one": [First(), Extra()], "two": [Second()]}


def prepare(course: Path, student: str, notebook: str, **plan: Any) -> None:
    """Say what the grader will answer for a notebook.

    Args:
        plan: ``right`` (exercise to [right, all] value cases), ``outputs`` (cell id to outputs), ``text`` (exercise to the failed cases'
            message), ``observed`` (forbidden operations seen), ``unreadable``, ``intake`` notes, ``fault`` (what it raises), ``error``
            (of an error ledger), ``drop`` (cells left out of the executed notebook), ``sources`` (cell id to the text that was run).
    """
    path = course / "fake" / student / f"{notebook}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plan))


def grade(course_root: Path, assignments_root: Path, assignment: str, student: str, notebook: str, walls: bool) -> Result:
    """Called in the place of ``grade_notebook``."""
    plan = json.loads((course_root / "fake" / student / f"{notebook}.json").read_text())
    if plan.get("fault"):
        raise RuntimeError(plan["fault"])
    content = (course_root / "intake" / student / assignment / f"{notebook}.ipynb").read_bytes()
    subject = Subject(assignment, notebook, "0" * 64, "1" * 64, {})
    exercises = EXERCISES[notebook]
    if plan.get("error"):
        ledger = make_error_ledger(subject, exercises, plan["error"])
        return Result(content, ledger, receipt(ledger))
    records = {name: _record(name, right, plan) for name, right in plan.get("right", {}).items()}
    run = {"runs": 1, "wall_s": [1.25], "apart_s": [0.5, 0.25], "walls": walls}
    ledger = make_ledger(subject, exercises, records, plan.get("intake", []), plan.get("unreadable"), run)
    return Result(_executed(content, plan), ledger, receipt(ledger))


def _record(name: str, right: list[int], plan: dict[str, Any]) -> CheckRecord:
    good, total = right
    text = plan.get("text", {}).get(name, "max error 3.2 px (allowed 1e-4)")
    cases = [
        CaseRecord(f"value {number}", Family.VALUE, Verdict.OK if number < good else Verdict.WRONG_VALUE, "" if number < good else text)
        for number in range(total)
    ]
    if name == "pose.first":
        cases.append(CaseRecord("one row", Family.EDGE, Verdict.OK))
    return CheckRecord(name, Ending.COMPLETE, cases, Observation(forbidden=tuple(plan.get("observed", ()))))


def _executed(content: bytes, plan: dict[str, Any]) -> bytes:
    notebook = nbformat.reads(content.decode(), as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id not in plan.get("drop", [])]
    for count, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and not plan.get("unreadable") and cell.id not in plan.get("not_reached", []):
            cell.execution_count = count
            cell.outputs = [nbformat.from_dict(output) for output in plan.get("outputs", {}).get(cell.id, [])]
        cell.source = plan.get("sources", {}).get(cell.id, cell.source)
    return nbformat.writes(notebook).encode()
