"""Markers around the parts of a cell that students do not get.

    ### BEGIN SOLUTION      ### BEGIN HIDDEN TESTS
    ### END SOLUTION        ### END HIDDEN TESTS

One spelling, alone on its line. nbgrader is laxer in one direction (it takes a marker anywhere in a line, in strings and prose too) and
silent in the other (what it does not recognise it hands to the students), so ``lint`` refuses both.
"""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass

from autograder.authoring.cell import SOLUTION_ROLES, Cell, Role
from autograder.authoring.fault import Fault
from autograder.authoring.spelling import KINDS, meant_marker

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"

_STRICT = re.compile(rf"([ \t]*)### (BEGIN|END) ({'|'.join(KINDS)})[ \t]*")
_SEEN_BY_NBGRADER = re.compile(rf"(?:BEGIN|END) (?:{'|'.join(KINDS)})")
_HOMES = {"SOLUTION": SOLUTION_ROLES, "HIDDEN TESTS": frozenset({Role.TEST}), "MARK SCHEME": frozenset()}
_HOME_WORDS = {
    "SOLUTION": "a cell with exercise=, answer= or question=",
    "HIDDEN TESTS": "a cell with test=",
    "MARK SCHEME": "no cell of a lesson: write the model answer of a question between ### BEGIN SOLUTION and ### END SOLUTION",
}


@dataclass(frozen=True)
class Region:
    """A pair of markers; ``begin`` and ``end`` are the offsets of their lines in the cell's source."""

    kind: str
    begin: int
    end: int


def regions(source: str) -> list[Region]:
    """Return the marked regions of a source that ``lint`` finds no fault in."""
    found, opened = [], 0
    for offset, line in enumerate(source.split("\n")):
        if match := _STRICT.fullmatch(line):
            if match[2] == "BEGIN":
                opened = offset
            else:
                found.append(Region(match[3], opened, offset))
    return found


def removed_lines(source: str) -> list[tuple[int, str]]:
    """Return the lines that students do not get, markers left out, with their offsets."""
    lines = source.split("\n")
    return [(offset, lines[offset]) for region in regions(source) for offset in range(region.begin + 1, region.end)]


def without_markers(source: str) -> str:
    """Return the source as the instructor wrote it, solutions and hidden tests in place, marker lines left out."""
    return "\n".join(line for line in source.split("\n") if not _STRICT.fullmatch(line))


def released(source: str, is_markdown: bool) -> str:
    """Return the source as students get it: a stub for each solution, nothing for hidden tests.

    Convention: letter by letter what nbgrader's ClearSolutions and ClearHiddenTests make of it; a test holds the two together.
    """
    lines = source.split("\n")
    stub = (TEXT_STUB if is_markdown else CODE_STUB).split("\n")
    kept: list[str] = []
    position = 0
    for region in regions(source):
        kept += lines[position : region.begin]
        if region.kind == "SOLUTION":
            indent = re.match(r"\s*", lines[region.begin])
            kept += [(indent[0] if indent else "") + line for line in stub]
        position = region.end + 1
    return "\n".join(kept + lines[position:])


def lint(cell: Cell, place: str) -> list[Fault]:
    """Return everything that is wrong with the markers of one cell.

    Args:
        cell: any cell of a lesson.
        place: the lesson's file name, for the messages.
    """
    lines = cell.source.split("\n")
    in_string = _lines_in_strings(cell)
    found: list[tuple[int, str, str]] = []
    opened: tuple[str, int] | None = None
    for offset, line in enumerate(lines):
        match = _STRICT.fullmatch(line)
        if match is None:
            found += [(offset, rule, remedy) for rule, remedy in _faults_of_other_line(line, cell)]
            continue
        verb, kind = match[2], match[3]
        if offset in in_string:
            rule = "this marker stands in a string, where nbgrader takes it for a real one"
            found.append((offset, rule, "move it out of the string, or write other words"))
        elif cell.role not in _HOMES[kind]:
            rule = f"a {kind} marker has no place in this cell (it is {_kind_of(cell)})"
            found.append((offset, rule, f"it belongs in {_HOME_WORDS[kind]}"))
        found += [(offset, rule, remedy) for rule, remedy in _faults_of_pair(verb, kind, offset, opened, cell)]
        opened = (kind, offset) if verb == "BEGIN" else None
    if opened is not None:
        rule = f"this {opened[0]} region has no end in its cell"
        found.append((opened[1], rule, f"write ### END {opened[0]} below what it should hide"))
    faults = [Fault(place, cell.line_of(offset), lines[offset].strip(), rule, remedy) for offset, rule, remedy in sorted(found)]
    if not faults and cell.role in SOLUTION_ROLES and not regions(cell.source):
        rule = f"{_kind_of(cell)} without a solution region: nbgrader would replace the whole cell by its stub"
        faults.append(Fault(place, cell.line, cell.name or "", rule, "write the answer between ### BEGIN SOLUTION and ### END SOLUTION"))
    return faults


def _faults_of_other_line(line: str, cell: Cell) -> list[tuple[str, str]]:
    if seen := _SEEN_BY_NBGRADER.search(line):
        return [("nbgrader takes this whole line for a marker", _instead(seen[0]))]
    if meant := meant_marker(line, code=not cell.is_markdown):
        rule = "nbgrader does not know this spelling of a marker and would hand what it should hide to the students"
        return [(rule, _instead(meant))]
    if "AUTOTEST" in line and not cell.is_markdown:
        return [("nbgrader would run this cell to make tests of it", "write the checks of an exercise as cases in its exercise module")]
    return []


def _faults_of_pair(verb: str, kind: str, offset: int, opened: tuple[str, int] | None, cell: Cell) -> list[tuple[str, str]]:
    if opened is None:
        if verb == "BEGIN":
            return []
        rule = "this ends a region that nothing began, so all above it goes to the students"
        return [(rule, f"write ### BEGIN {kind} above what it should hide")]
    around = f"inside the {opened[0]} region of line {cell.line_of(opened[1])}, and regions neither nest nor overlap"
    if verb == "BEGIN":
        return [(f"this begins {around}", f"close that one first with ### END {opened[0]}")]
    if opened[0] != kind:
        return [(f"this ends a {kind} region {around}", f"write ### END {opened[0]} first")]
    inner = cell.source.split("\n")[opened[1] + 1 : offset]
    if not any(_says_something(line, cell) for line in inner):
        return [(f"the {kind} region that ends here is empty", "move what it should hide between its two markers")]
    return []


def _instead(marker: str) -> str:
    if marker.endswith("MARK SCHEME"):
        return f"it belongs in {_HOME_WORDS['MARK SCHEME']}"
    return f"write ### {marker} alone on its line, or other words if no marker is meant"


def _kind_of(cell: Cell) -> str:
    if cell.role in (Role.MARKDOWN, Role.CODE):
        return f"a plain {cell.role} cell"
    return f"{'an' if cell.role in (Role.EXERCISE, Role.ANSWER) else 'a'} {cell.role} cell"


def _says_something(line: str, cell: Cell) -> bool:
    text = line.strip()
    return bool(text) and (cell.is_markdown or not text.startswith("#"))


def _lines_in_strings(cell: Cell) -> set[int]:
    # a cell with IPython magics does not tokenise; its markers are then judged by their lines alone.
    found: set[int] = set()
    if cell.is_markdown:
        return found
    try:
        for token in tokenize.generate_tokens(io.StringIO(cell.source).readline):
            if token.type != tokenize.COMMENT and token.end[0] > token.start[0]:
                found.update(range(token.start[0] - 1, token.end[0]))
    except (tokenize.TokenError, SyntaxError):
        return set()
    return found
