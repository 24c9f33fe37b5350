"""The release notebook as the yardstick: which cells a submission must have, and what they are."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.intake.limits import IntakeError
from autograder.intake.syntax import Facts, facts_of, names_read, normalised


class Kind(StrEnum):
    """What a template cell is for.

    EXERCISE is filled in by the student; CHECK is the locked cell that checks an exercise; LOCKED is any other cell that nbgrader
    restores (plain test cells, read-only cells, tasks); QUESTION is a manually graded text; PLAIN is everything else.
    """

    EXERCISE = "exercise"
    CHECK = "check"
    LOCKED = "locked"
    QUESTION = "question"
    PLAIN = "plain"


@dataclass(frozen=True)
class TemplateCell:
    """One cell of the release notebook.

    Args:
        kind: what it is for.
        name: exercise or question name; the grade id where the course gives none.
        cell: the cell itself, without outputs; never to be changed.
        facts: of a code cell's source; empty for text.
        symbol: EXERCISE: what the student defines, where it is known.
        reads: names that a check, another locked cell of code or a stub reads.
    """

    kind: Kind
    name: str
    cell: NotebookNode
    facts: Facts
    symbol: str | None = None
    reads: frozenset[str] = frozenset()

    @property
    def grade_id(self) -> str | None:
        return self.cell.metadata.get("nbgrader", {}).get("grade_id")

    @property
    def is_code(self) -> bool:
        return self.cell.cell_type == "code"

    @property
    def is_restored(self) -> bool:
        """Whether the student's version of the text never counts."""
        return self.kind in (Kind.CHECK, Kind.LOCKED)


@dataclass(frozen=True)
class Template:
    """A release notebook, ready to be matched.

    Args:
        name: stem of the file.
        cells: all cells in order.
        metadata: the notebook's own metadata, kernelspec included.
    """

    name: str
    cells: tuple[TemplateCell, ...]
    metadata: NotebookNode

    @property
    def by_grade_id(self) -> dict[str, int]:
        return {cell.grade_id: index for index, cell in enumerate(self.cells) if cell.grade_id}

    @property
    def by_cell_id(self) -> dict[str, int]:
        return {cell.cell.id: index for index, cell in enumerate(self.cells)}

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset(cell.symbol for cell in self.cells if cell.kind is Kind.EXERCISE and cell.symbol)

    def exercise_of(self, check: int) -> int | None:
        """Return the index of the exercise cell that belongs to a check cell; None where there is none."""
        name = self.cells[check].name
        return next((index for index, cell in enumerate(self.cells) if cell.kind is Kind.EXERCISE and cell.name == name), None)


def make_template(name: str, notebook: NotebookNode, symbols: Mapping[str, str] | None = None) -> Template:
    """Read a release notebook.

    Args:
        name: stem of the file.
        notebook: nbformat 4, with nbgrader's metadata; cells of ours carry ``metadata.vislab`` with ``exercise``, ``check`` or
            ``question``. It is not changed.
        symbols: exercise name to the name the student defines. Where an exercise is missing in it, the first name that the stub
            defines is taken.

    Raises:
        IntakeError: a doubled grade id or cell id, or a grade id that is missing.
    """
    notebook = copy.deepcopy(notebook)
    symbols = dict(symbols or {})
    cells: list[TemplateCell] = []
    seen: set[str] = set()
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        # formats before 4.5 have no cell ids; a number keeps the later matching by source and grade id unharmed.
        cell.id = cell.get("id") or f"template-{position}"
        made = _template_cell(name, cell, symbols)
        for key in filter(None, (f"cell id {cell.id}", made.grade_id and f"grade id {made.grade_id}")):
            if key in seen:
                raise IntakeError(f"release notebook {name}: {key} occurs twice; build and release the assignment again")
            seen.add(key)
        cells.append(made)
    return Template(name, tuple(cells), copy.deepcopy(notebook.metadata))


def load_templates(folder: Path, notebooks: Sequence[str], symbols: Mapping[str, str] | None = None) -> dict[str, Template]:
    """Read the release notebooks of an assignment, by stem, in the given order.

    Raises:
        IntakeError: a release notebook is missing or is no notebook.
    """
    templates = {}
    for name in notebooks:
        path = folder / f"{name}.ipynb"
        try:
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        except FileNotFoundError:
            raise IntakeError(f"{path} is missing; build the release with 'python -m autograder build {folder.name}'") from None
        except (OSError, ValueError, nbformat.ValidationError) as error:
            raise IntakeError(f"{path} is no valid release notebook ({error}); build it again with 'python -m autograder build'") from error
        templates[name] = make_template(name, notebook, symbols)
    return templates


def _template_cell(notebook: str, cell: NotebookNode, symbols: Mapping[str, str]) -> TemplateCell:
    nbgrader, ours = cell.metadata.get("nbgrader", {}), cell.metadata.get("vislab", {})
    solution, grade = bool(nbgrader.get("solution")), bool(nbgrader.get("grade"))
    locked = bool(nbgrader.get("locked")) or bool(nbgrader.get("task")) or (grade and not solution)
    if (solution or grade or locked) and not nbgrader.get("grade_id"):
        raise IntakeError(f"release notebook {notebook}: a graded or locked cell has no grade id; build and release the assignment again")
    grade_id = nbgrader.get("grade_id", "")
    is_code = cell.cell_type == "code"
    facts = facts_of(cell.source) if is_code else Facts()
    reads = names_read(cell.source) if is_code else frozenset()
    if solution and is_code:
        name = ours.get("exercise") or grade_id
        first = next(iter(_definitions(cell.source)), None)
        return TemplateCell(Kind.EXERCISE, name, cell, facts, symbols.get(name, first), reads)
    if solution:
        return TemplateCell(Kind.QUESTION, ours.get("question") or grade_id, cell, facts)
    if locked and ours.get("check"):
        return TemplateCell(Kind.CHECK, ours["check"], cell, facts, reads=reads)
    if locked:
        return TemplateCell(Kind.LOCKED, grade_id, cell, facts, reads=reads)
    return TemplateCell(Kind.PLAIN, cell.id, cell, facts)


def _definitions(source: str) -> list[str]:
    found = facts_of(source).defined
    # in the order of the text, not of the set.
    return sorted(found, key=lambda name: normalised(source).find(name))
