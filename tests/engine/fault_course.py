"""A course whose class of many is graded while things go wrong: the tiny assignment, released by nbgrader itself."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from tiny_assignment import EXERCISES, SETUP, TABLE

from autograder.engine.secret import FILE_VARIABLE
from autograder.exercise.grade_ids import check_id, solution_id
from autograder.gradebook.run import SHIPPED_CONFIG, generate_assignment

ASSIGNMENT = "t1_tiny"
NOTEBOOK = "tiny"
SECRET = b"a throwaway secret for a class that is disturbed"
DOUBLE, SUMS = "tiny.double", "tiny.sums"
BODIES = {DOUBLE: "return 2.0 * rows", SUMS: "return rows.sum(dim=-1)"}

# what students hand in, as (bodies of double and sums, further cell between them, raw bytes instead of a notebook).
RIGHT = (BODIES[DOUBLE], BODIES[SUMS])
ANSWERS: dict[str, tuple[str, str, str]] = {
    "right": (*RIGHT, ""),
    "wrong": ("return 3.0 * rows", BODIES[SUMS], ""),
    "stub": ("raise NotImplementedError", BODIES[SUMS], ""),
    "raises": (BODIES[DOUBLE], "raise ValueError", ""),
    "partly": (BODIES[DOUBLE], "return rows.sum(dim=-1) if len(rows) else None", ""),
    "nameless": (BODIES[DOUBLE], "return total", "del double"),
    "crashes": ("import os; os._exit(3)", BODIES[SUMS], ""),
    "kills": (*RIGHT, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
}
# one of twenty crashes or kills itself: each costs three runs.
USUAL = ("right", "wrong", "right", "stub", "right", "raises", "unreadable", "partly", "right", "stripped", "right", "nameless", "empty")
ODD = ("crashes", "kills")
# most of these need no sandbox.
LIGHT = (
    "unreadable",
    "empty",
    "wrong",
    "stripped",
    "unreadable",
    "raises",
    "unreadable",
    "unreadable",
    "partly",
    "unreadable",
    "right",
    "empty",
)


@dataclass(frozen=True)
class FaultCourse:
    """Where the course lies."""

    root: Path

    @property
    def secret(self) -> Path:
        return self.root.parent / f"{self.root.name}-secret"

    @property
    def temporary(self) -> Path:
        return self.root.parent / "t"

    @property
    def gradebook(self) -> Path:
        return self.root / "gradebook.db"

    def environment(self) -> dict[str, str]:
        return {**os.environ, FILE_VARIABLE: str(self.secret), "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary)}


def kind_of(number: int, light: bool) -> str:
    """Return what student ``number`` (from 0) hands in."""
    if light:
        return LIGHT[number % len(LIGHT)]
    return ODD[number // 20 % len(ODD)] if number % 20 == 17 else USUAL[number % len(USUAL)]


def make_course(root: Path, submissions: int, seed: int, light: bool = False) -> FaultCourse:
    """Make a course with a class of this many; equal arguments give equal submissions.

    Args:
        root: a folder that does not exist, or is empty.
        submissions: students.
        seed: makes every submission differ from every other.
        light: a class that is quickly graded.
    """
    folder = root / "assignments" / ASSIGNMENT
    (folder / "exercises").mkdir(parents=True)
    (folder / "exercises" / "rows.py").write_text(EXERCISES)
    (folder / "assignment.toml").write_text(TABLE)
    (root / "source" / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(_source(), root / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
    (root / "nbgrader_config.py").write_text(
        "from pathlib import Path\n"
        f"load_subconfig({SHIPPED_CONFIG.name!r}, path={str(SHIPPED_CONFIG.parent)!r})\n"
        "c.CoursePart.assignments_root = str(Path(__file__).resolve().parent / 'assignments')\n"
    )
    generate_assignment(root, ASSIGNMENT)
    course = FaultCourse(root)
    course.secret.write_bytes(SECRET)
    course.secret.chmod(0o600)
    course.temporary.mkdir(exist_ok=True)
    noise = random.Random(seed)
    released = nbformat.read(root / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb", as_version=4)
    for number in range(submissions):
        place = root / "submitted" / f"student-{number:03d}" / ASSIGNMENT
        place.mkdir(parents=True)
        content = _submission(released, kind_of(number, light), noise.getrandbits(64))
        if content is not None:
            (place / f"{NOTEBOOK}.ipynb").write_bytes(content)
    return course


def _source() -> NotebookNode:
    cells = [nbformat.v4.new_code_cell(SETUP, id="setup")]
    for name in (DOUBLE, SUMS):
        symbol = name.split(".")[1]
        body = f"def {symbol}(rows):\n    ### BEGIN SOLUTION\n    {BODIES[name]}\n    ### END SOLUTION"
        cells.append(_cell(f"solve-{symbol}", body, {"exercise": name}, grade_id=solution_id(name), solution=True))
        asked = f'check("{name}", {symbol})'
        cells.append(_cell(f"check-{symbol}", asked, {"check": name}, grade_id=check_id(name), grade=True, locked=True, points=3))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def _cell(cell_id: str, source: str, ours: dict, **settings: object) -> NotebookNode:
    told = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **settings}
    return nbformat.v4.new_code_cell(source, id=cell_id, metadata={"nbgrader": told, "vislab": ours})


def _submission(released: NotebookNode, kind: str, number: int) -> bytes | None:
    if kind == "empty":
        return None
    if kind == "unreadable":
        return f"<html>{number}</html>".encode()
    notebook = json.loads(nbformat.writes(released))
    double, sums, between = ANSWERS.get(kind, (*RIGHT, ""))
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    cells["solve-double"]["source"] = f"# {number}\ndef double(rows):\n    {double}"
    cells["solve-sums"]["source"] = f"def sums(rows):\n    {sums}"
    if between:
        own = {"cell_type": "code", "id": "between", "metadata": {}, "source": between, "outputs": [], "execution_count": None}
        notebook["cells"].insert(notebook["cells"].index(cells["check-double" if kind == "kills" else "solve-double"]) + 1, own)
    if kind == "stripped":
        for cell in notebook["cells"]:
            cell["metadata"] = {}
    return json.dumps(notebook).encode()
