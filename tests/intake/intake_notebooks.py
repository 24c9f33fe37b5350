"""A small release notebook, a solved submission of it, and a way to see which definition each check would judge."""

from __future__ import annotations

import builtins
import copy
import json
import types
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.intake.template import Template, make_template

SYMBOLS = {"pose.soft_argmax": "soft_argmax", "pose.masked_l2": "masked_l2", "pose.head": "PoseHead"}
CHECKS = {name: f'check("{name}", {symbol})' for name, symbol in SYMBOLS.items()}
SETUP = "import math\nfrom vislab.check import check"
NAMES = "Tensor = object  # a name that the stubs use"
STUB_SOFT = "def soft_argmax(heatmaps: Tensor) -> Tensor:\n    raise NotImplementedError"
STUB_L2 = "def masked_l2(pred, target):\n    raise NotImplementedError"
STUB_HEAD = "class PoseHead:\n    def tag(self):\n        raise NotImplementedError"
ANSWER_SOFT = "def soft_argmax(heatmaps: Tensor = None) -> Tensor:\n    return 'soft'"
ANSWER_L2 = "def masked_l2(pred=None, target=None):\n    return 'l2'"
ANSWER_HEAD = "class PoseHead:\n    def tag(self):\n        return 'head'"
QUESTION = "**Question.** Why is the integral biased?\n\nYOUR ANSWER HERE"
ANSWER_QUESTION = "**Question.** Why is the integral biased?\n\nBecause the background pulls."
ALL_RIGHT = {"pose.soft_argmax": ["soft"], "pose.masked_l2": ["l2"], "pose.head": ["head"]}


def _code(cell_id: str, source: str, nbgrader: dict[str, Any] | None = None, vislab: dict[str, str] | None = None) -> NotebookNode:
    return _cell("code", cell_id, source, nbgrader, vislab)


def _text(cell_id: str, source: str, nbgrader: dict[str, Any] | None = None, vislab: dict[str, str] | None = None) -> NotebookNode:
    return _cell("markdown", cell_id, source, nbgrader, vislab)


def _cell(kind: str, cell_id: str, source: str, nbgrader: dict[str, Any] | None, vislab: dict[str, str] | None) -> NotebookNode:
    made = nbformat.v4.new_code_cell(source, id=cell_id) if kind == "code" else nbformat.v4.new_markdown_cell(source, id=cell_id)
    if nbgrader is not None:
        settings = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False, "cell_type": kind}
        made.metadata["nbgrader"] = NotebookNode({**settings, **nbgrader})
        made.metadata.nbgrader["checksum"] = compute_checksum(made)
    if vislab is not None:
        made.metadata["vislab"] = NotebookNode(vislab)
    return made


def _solution(name: str, source: str) -> NotebookNode:
    grade_id = f"solution-{name.replace('.', '-')}"
    return _code(grade_id.replace("_", "-"), source, {"grade_id": grade_id, "solution": True}, {"exercise": name})


def _check(name: str, points: float) -> NotebookNode:
    grade_id = f"check-{name.replace('.', '-')}"
    settings = {"grade_id": grade_id, "grade": True, "locked": True, "points": points}
    return _code(grade_id.replace("_", "-"), CHECKS[name], settings, {"check": name})


def release_notebook() -> NotebookNode:
    """Return the release: three exercises, a question, a read-only cell and a plain nbgrader test."""
    cells = [
        _text("title", "# Pose"),
        _code("setup", SETUP),
        _code("names", NAMES),
        _text("text-soft", "### Integral regression"),
        _solution("pose.soft_argmax", STUB_SOFT),
        _check("pose.soft_argmax", 4.0),
        _text(
            "question-bias",
            QUESTION,
            {"grade_id": "question-pose-q_bias", "grade": True, "solution": True, "points": 2.0},
            {"question": "pose.q_bias"},
        ),
        _text("text-l2", "### Masked loss"),
        _solution("pose.masked_l2", STUB_L2),
        _check("pose.masked_l2", 3.0),
        _code("demo", "losses = [1.0, 0.5, 0.25]"),
        _text("text-head", "### A head"),
        _solution("pose.head", STUB_HEAD),
        _check("pose.head", 5.0),
        _code("read-only", "JOINTS = 14", {"grade_id": "joints", "locked": True}),
        _code("plain-test", "assert JOINTS == 14", {"grade_id": "test-joints", "grade": True, "locked": True, "points": 1.0}),
        _text("end", "That is all."),
    ]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


def release_template(name: str = "1_pose") -> Template:
    return make_template(name, release_notebook(), SYMBOLS)


def solved() -> dict[str, Any]:
    """Return a right submission as JupyterLab 4 saves it after a run, as plain JSON values."""
    table = json.loads(nbformat.writes(release_notebook()))
    for cell in table["cells"]:
        cell["source"] = "".join(cell["source"])
    put(table, "solution-pose-soft_argmax", ANSWER_SOFT)
    put(table, "solution-pose-masked_l2", ANSWER_L2)
    put(table, "solution-pose-head", ANSWER_HEAD)
    put(table, "question-pose-q_bias", ANSWER_QUESTION)
    for count, cell in enumerate(code_cells(table), start=1):
        cell["execution_count"] = count
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["done\n"]}]
    table["metadata"]["language_info"].update({"version": "3.12.1", "file_extension": ".py"})
    return table


def code_cells(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in table["cells"] if cell["cell_type"] == "code"]


def grade_id(cell: dict[str, Any]) -> str | None:
    return cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")


def index_of(table: dict[str, Any], wanted: str) -> int:
    """Return the place of the cell with a grade id or cell id."""
    return next(place for place, cell in enumerate(table["cells"]) if wanted in (grade_id(cell), cell.get("id")))


def cell_of(table: dict[str, Any], wanted: str) -> dict[str, Any]:
    return table["cells"][index_of(table, wanted)]


def put(table: dict[str, Any], wanted: str, source: str) -> None:
    cell_of(table, wanted)["source"] = source


def own(source: str, kind: str = "code") -> dict[str, Any]:
    """Return a cell of the student's own."""
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    if kind == "code":
        cell.update({"outputs": [], "execution_count": None})
    return cell


def insert_after(table: dict[str, Any], wanted: str, *cells: dict[str, Any]) -> None:
    place = index_of(table, wanted) + 1
    table["cells"][place:place] = [copy.deepcopy(cell) for cell in cells]


def stripped(table: dict[str, Any]) -> dict[str, Any]:
    """Remove all metadata and ids, as a conversion by way of plain Python would."""
    for cell in table["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    table["nbformat_minor"] = 4
    return table


def as_bytes(table: Any) -> bytes:
    return json.dumps(table, ensure_ascii=False, indent=1).encode()


def judged(notebook: NotebookNode) -> dict[str, list[str]]:
    """Run a cleaned notebook with a recording ``check``; return what each locked check cell was given.

    Calls of ``check`` from any other cell are refused, as in grading. A cell that raises does not stop the others.
    """
    results: dict[str, list[str]] = {}
    allowed: list[str] = []

    def check(name: str, answer: Any, **extras: Any) -> None:
        if name in allowed:
            results.setdefault(name, []).append(_tag(answer))

    fake = types.ModuleType("vislab.check")
    fake.check = check  # type: ignore[attr-defined]

    def importer(name: str, *rest: Any) -> Any:
        return fake if name == "vislab.check" else builtins.__import__(name, *rest)

    namespace: dict[str, Any] = {"__builtins__": {**vars(builtins), "__import__": importer}, "__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        allowed = [cell.metadata["vislab"]["check"]] if cell.metadata.get("vislab", {}).get("check") else []
        try:
            exec(compile(cell.source, "cell", "exec"), namespace)
        except Exception as error:
            for name in allowed:
                results.setdefault(name, []).append(f"error: {type(error).__name__}")
    return results


def _tag(answer: Any) -> str:
    try:
        if isinstance(answer, type):
            return str(answer().tag())
        return str(answer(*[None] * answer.__code__.co_argcount) if hasattr(answer, "__code__") else answer(None))
    except NotImplementedError:
        return "stub"
