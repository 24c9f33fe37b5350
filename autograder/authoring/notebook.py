"""Lessons as notebooks, with everything nbgrader wants to know about their cells."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.authoring.bootstrap import badge, bootstrap
from autograder.authoring.cell import NAMED, SOLUTION_ROLES, Cell, Role
from autograder.authoring.course import Course
from autograder.authoring.lesson import Lesson
from autograder.authoring.rules import FIGURE_LINK
from autograder.exercise.assignment import Assignment
from autograder.exercise.grade_ids import check_id, question_id, solution_id

NBGRADER_SCHEMA = 3
UNCOMPARED_TAG = "nbval-ignore-output"
# named, so that exercises of which no check has been run yet are there as well.
OVERVIEW = "# Where you stand: what the last check of each exercise said.\nfrom vislab.check import progress\n\nprogress({notebook!r})"

# As a Python 3 kernel reports it, less its version: a notebook must not change with the Python it was built on.
_METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def make_notebook(lesson: Lesson, assignment: Assignment, course: Course) -> NotebookNode:
    """Build the instructor's notebook of a lesson, without outputs.

    Every cell of the lesson becomes one cell; the badge goes above them, the bootstrap cell below the title, and an overview of the
    exercises after the last. ``metadata.vislab`` of a cell that plays a part says which (``{"check": "pose.soft_argmax"}``); editors keep
    it where they drop ids.
    """
    # a deep copy: nbformat nodes would share the nested tables between notebooks.
    notebook = nbformat.from_dict(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {**_METADATA, "vislab": {"assignment": assignment.name, "notebook": lesson.name}},
            "cells": [],
        }
    )
    seen: Counter[str] = Counter()
    title, *rest = [_lesson_cell(cell, lesson, assignment, course, seen) for cell in lesson.cells]
    front = nbformat.v4.new_markdown_cell(badge(course, assignment.name, lesson.name), id=f"{_short(lesson.name)}-badge")
    start = nbformat.v4.new_code_cell(
        bootstrap(course, assignment.name), id=f"{_short(lesson.name)}-bootstrap", metadata={"vislab": {"bootstrap": True}}
    )
    end = nbformat.v4.new_code_cell(
        OVERVIEW.format(notebook=lesson.name), id=f"{_short(lesson.name)}-progress", metadata={"vislab": {"progress": True}}
    )
    # a notebook without exercises has nothing to overlook.
    notebook.cells = [front, title, start, *rest, *([end] if lesson.exercises else [])]
    nbformat.validate(notebook)
    return notebook


def write_notebook(notebook: NotebookNode) -> str:
    """Return the text of a notebook file: stable order and indentation, a line feed at the end."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def _lesson_cell(cell: Cell, lesson: Lesson, assignment: Assignment, course: Course, seen: Counter[str]) -> NotebookNode:
    metadata: dict[str, Any] = {}
    tags = [*cell.tags, *([UNCOMPARED_TAG] if cell.exempt and UNCOMPARED_TAG not in cell.tags else [])]
    if tags:
        metadata["tags"] = tags
    if cell.role in NAMED:
        metadata["vislab"] = {str(cell.role): cell.name}
        metadata["nbgrader"] = _nbgrader(cell, assignment)
    elif cell.role is Role.SETUP:
        metadata["vislab"] = {"setup": True}
    identity = _identity(cell, lesson.name, seen)
    if cell.is_markdown:
        return nbformat.v4.new_markdown_cell(_linked(cell.source, assignment.name, course), id=identity, metadata=metadata)
    return nbformat.v4.new_code_cell(cell.source, id=identity, metadata=metadata)


def _nbgrader(cell: Cell, assignment: Assignment) -> dict[str, Any]:
    assert cell.name is not None
    graded = cell.role not in (Role.EXERCISE, Role.ANSWER)
    table: dict[str, Any] = {
        "grade": graded,
        "grade_id": _grade_id(cell.role, cell.name),
        "locked": cell.role in (Role.CHECK, Role.TEST),
        "schema_version": NBGRADER_SCHEMA,
        "solution": cell.role in SOLUTION_ROLES,
        "task": False,
    }
    if graded:
        table["points"] = _points(cell, assignment)
    return table


def _grade_id(role: Role, name: str) -> str:
    made = {Role.EXERCISE: solution_id, Role.CHECK: check_id, Role.QUESTION: question_id}
    # a plain nbgrader cell: foreign to the judge, which is to leave it alone.
    return made[role](name) if role in made else f"{role}-{name.replace('.', '-')}"


def _points(cell: Cell, assignment: Assignment) -> int | float:
    if cell.role is Role.CHECK:
        exercise = assignment.exercises[cell.name or ""]
        # nbgrader adds up every grade cell into the maximum, so a bonus exercise stands there with none.
        points = 0.0 if exercise.bonus else exercise.points_total
    else:
        points = float(cell.points or 0.0)
    return int(points) if points == int(points) else points


def _identity(cell: Cell, stem: str, seen: Counter[str]) -> str:
    """A cell id that depends on nothing but the lesson: named cells by name, others by text, equal texts counted."""
    if cell.name is not None:
        made = f"{_short(stem)}-{cell.role}-{cell.name.replace('.', '-')}"
        # nbformat allows 64 characters.
        return made if len(made) <= 64 else f"{made[:55]}-{_digest(made)}"
    made = f"{_short(stem)}-{_digest(f'{cell.role}:{cell.source}')}"
    seen[made] += 1
    return made if seen[made] == 1 else f"{made}-{seen[made]}"


def _short(stem: str) -> str:
    return stem if len(stem) <= 24 else f"{stem[:15]}-{_digest(stem)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _linked(source: str, assignment: str, course: Course) -> str:
    # a copy that Colab saves to a drive loses sight of the pictures; the link around them still opens them.
    def link(match: re.Match[str]) -> str:
        address = course.release_link(assignment, match[1])
        already = source[max(0, match.start() - 1) : match.start()] == "["
        return f"[{match[0]}]({address})" if address and not already else match[0]

    return FIGURE_LINK.sub(link, source)
