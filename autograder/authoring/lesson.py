"""Lessons: py:percent texts as typed cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext

from autograder.authoring.cell import NAMED, Cell, Role
from autograder.authoring.fault import AuthoringError, Fault, refuse
from autograder.authoring.markers import lint, released, without_markers

_HEADER = re.compile(r"#\s*%%")
_NAME = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9_]*")
_STEM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_OPTIONS = (*(str(role) for role in NAMED), "points", "setup", "exempt", "tags")
_WITH_POINTS = frozenset({Role.QUESTION, Role.TEST})


@dataclass(frozen=True)
class Lesson:
    """One lesson text.

    Args:
        name: stem of its file; nbgrader's notebook id.
        place: file name for messages, ``lessons/NAME.py``.
        cells: in order.
    """

    name: str
    place: str
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """Heading of the first cell."""
        return self.cells[0].source.split("\n")[0].lstrip("# ").strip()

    @property
    def exercises(self) -> tuple[str, ...]:
        """Names of the exercises that are written here, in order."""
        return tuple(cell.name for cell in self.cells if cell.role is Role.EXERCISE and cell.name)

    @property
    def setup_source(self) -> str:
        """Code of all setup cells: what every exercise cell of this lesson relies on."""
        return "\n\n".join(cell.source for cell in self.cells if cell.role is Role.SETUP)

    def cell(self, role: Role, name: str) -> Cell:
        """Return the one cell that plays ``role`` for ``name``.

        Raises:
            KeyError: there is none; the message lists the names there are.
        """
        for cell in self.cells:
            if cell.role is role and cell.name == name:
                return cell
        known = [cell.name for cell in self.cells if cell.role is role]
        raise KeyError(f"{self.place} has no cell with {role}={name!r}; it has {known}")

    def solution_source(self, exercise: str) -> str:
        """Code of an exercise's cell with the instructor's solution in it, markers left out."""
        return without_markers(self.cell(Role.EXERCISE, exercise).source)

    def stub_source(self, exercise: str) -> str:
        """Code of an exercise's cell as it is released."""
        return released(self.cell(Role.EXERCISE, exercise).source, is_markdown=False)


def read_lesson(path: Path) -> Lesson:
    """Read a lesson file and refuse what nbgrader would get wrong.

    Raises:
        AuthoringError: unreadable text, wrong cell options, faulty markers; names every place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AuthoringError(f"{path} is missing; write it, or take it out of notebooks in assignment.toml") from None
    except UnicodeDecodeError as error:
        raise AuthoringError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from None
    lesson = parse_lesson(text, path.stem)
    refuse([fault for cell in lesson.cells for fault in lint(cell, lesson.place)])
    return lesson


def parse_lesson(text: str, name: str) -> Lesson:
    """Turn a py:percent text into cells, markers as they stand.

    Raises:
        AuthoringError: cells or cell options that cannot be what was meant.
    """
    place = f"lessons/{name}.py"
    if not _STEM.fullmatch(name):
        raise AuthoringError([Fault(place, 0, name, "a lesson's file name must be letters, digits, '-' and '_'", "rename it")])
    lines = text.split("\n")
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # jupytext has no error class of its own for cell options that it stumbles over
        reason = str(error).split("\n")[0]
        rule = f"jupytext cannot read this text: {type(error).__name__}: {reason}"
        raise AuthoringError([Fault(place, 0, "", rule, 'look at the cell options; tags, for instance, are a list: tags=["a"]')]) from error
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    faults = _faults_before_first_cell(lines, headers, place)
    if not faults and len(headers) != len(notebook.cells):
        rule = f"{len(headers)} lines begin with '# %%' but there are {len(notebook.cells)} cells"
        faults = [Fault(place, 0, "", rule, "write no '# %%' line inside a string, and begin every cell with one")]
    refuse(faults)
    cells = []
    for number, header in enumerate(headers):
        raw = notebook.cells[number]
        body = lines[header + 1 : headers[number + 1] if number + 1 < len(headers) else len(lines)]
        at = Fault(place, header + 1, lines[header].strip(), "", "")
        options = {key: value for key, value in raw.metadata.items() if key not in ("lines_to_next_cell", "cell_marker")}
        role, wrong = _role(raw.cell_type, options, at)
        faults += wrong
        if not wrong:
            cells.append(_cell(role, raw.source, options, header + 2 + _skipped(raw.source, body)))
    if not faults and (not cells or cells[0].role is not Role.MARKDOWN or not cells[0].source.startswith("# ")):
        rule = "a lesson begins with a markdown cell whose first line is its title"
        faults.append(Fault(place, headers[0] + 1, "", rule, "write '# # Title'"))
    refuse(faults)
    return Lesson(name, place, tuple(cells))


def _faults_before_first_cell(lines: list[str], headers: list[int], place: str) -> list[Fault]:
    if not headers:
        return [Fault(place, 0, "", "there is no cell in this text", "begin each cell with a line '# %%' or '# %% [markdown]'")]
    above = lines[: headers[0]]
    if above and above[0].rstrip() == "# ---":
        closing = next((number for number, line in enumerate(above) if number and line.rstrip() == "# ---"), len(above) - 1)
        above = [""] * (closing + 1) + above[closing + 1 :]
    stray = [number for number, line in enumerate(above) if line.strip()]
    if not stray:
        return []
    remedy = "begin a cell above it with '# %% [markdown]'"
    return [Fault(place, stray[0] + 1, above[stray[0]].strip(), "text above the first cell", remedy)]


def _role(kind: str, options: Mapping[str, Any], at: Fault) -> tuple[Role, list[Fault]]:
    def wrong(rule: str, remedy: str) -> tuple[Role, list[Fault]]:
        return Role.CODE, [Fault(at.place, at.line, at.text, rule, remedy)]

    if kind not in ("markdown", "code"):
        return wrong(f"a {kind} cell", "write '# %%' for code or '# %% [markdown]' for text")
    if unknown := sorted(set(options) - set(_OPTIONS)):
        words = ", ".join(f"{word}=" for word in _OPTIONS)
        remedy = f"the options are {words} with values in quotes; headings go into a markdown cell"
        return wrong(f"unknown in a cell's line: {unknown}", remedy)
    given = [role for role in NAMED if role in options]
    if len(given) + ("setup" in options) > 1:
        return wrong("one cell plays one part", f"keep one of {[str(part) for part in given] + ['setup'] * ('setup' in options)}")
    role = given[0] if given else Role.SETUP if "setup" in options else Role(kind)
    if given and not (isinstance(options[role], str) and _NAME.fullmatch(options[role])):
        return wrong(f'{role}={options[role]!r} must read "topic.name" in lower case, digits and underscores', "rename it")
    if role is Role.SETUP and options["setup"] is not True:
        return wrong(f"setup={options['setup']!r} must be true", "write setup=true, or leave it out")
    if (role is Role.QUESTION or role is Role.MARKDOWN) != (kind == "markdown"):
        remedy = "questions are markdown cells ('# %% [markdown]'), all other parts are code cells"
        return wrong(f"{role}= cannot stand at a {kind} cell", remedy)
    points = options.get("points")
    if role in _WITH_POINTS and (isinstance(points, bool) or not isinstance(points, (int, float)) or not points > 0):
        return wrong(f"points={points!r} of a {role} must be a number above 0", "write such as points=2")
    if points is not None and role not in _WITH_POINTS:
        return wrong("points are given to questions and tests only", "an exercise's points stand in its exercise module")
    if "exempt" in options and not (kind == "code" and isinstance(options["exempt"], str) and options["exempt"].strip()):
        return wrong("exempt= takes the reason why a code cell's output is not compared", 'write such as exempt="prints a speed"')
    return role, []


def _cell(role: Role, source: str, options: Mapping[str, Any], line: int) -> Cell:
    name = options[role] if role in NAMED else None
    return Cell(role, source, line, name, options.get("points"), options.get("exempt"), tuple(options.get("tags", ())))


def _skipped(source: str, body: list[str]) -> int:
    """Count the lines between a cell's header and its source: blank ones, or the quotes around markdown."""
    first = source.split("\n")[0].strip()
    for number, line in enumerate(body):
        if first in line and (first or not line.strip()):
            return number
    return 0
