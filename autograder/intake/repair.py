"""One submitted notebook to one that nbgrader, the sandbox and the judge can use."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import nbformat
from nbformat import NotebookNode

from autograder.intake.arrangement import Arrangement, Slot, exercise_source
from autograder.intake.document import Cell, Document, read_document
from autograder.intake.limits import DEFAULT_NOTEBOOK, IntakeError, NotebookLimits, Unreadable
from autograder.intake.matching import Matching, match
from autograder.intake.note import Note
from autograder.intake.provenance import provenance_notes
from autograder.intake.syntax import Facts, is_comment, normalised
from autograder.intake.template import Kind, Template, TemplateCell

_PASSES_MAX = 4
Status = Literal["ok", "repaired", "unreadable"]


@dataclass(frozen=True)
class CleanNotebook:
    """A notebook as it is graded.

    Args:
        notebook: valid by nbformat 4.5 and by nbgrader's metadata schema; every graded cell of the template occurs once.
        notes: what was repaired, for the feedback.
        status: "ok" where nothing was noted, "repaired", or "unreadable" for a stub that stands for a file nobody can read.
        reason: why it is unreadable; None otherwise.
    """

    notebook: NotebookNode
    notes: tuple[Note, ...]
    status: Status
    reason: str | None = None

    @property
    def content(self) -> bytes:
        """The notebook as it is written: equal notebooks give equal bytes."""
        return (nbformat.writes(self.notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n").encode()


def clean_notebook(raw: bytes, template: Template, limits: NotebookLimits = DEFAULT_NOTEBOOK) -> CleanNotebook:
    """Repair a submitted notebook.

    The student's cells keep their order and text. Ids, grading metadata, checks and other locked cells come from the template; a check
    stays where the student has it, or is put behind the definition that it judges. Cleaning a cleaned notebook changes nothing.

    Args:
        raw: the file as it arrived; anything.
        template: the release notebook.
        limits: what is read at most.
    """
    try:
        document = read_document(raw, limits)
    except Unreadable as error:
        return unreadable_notebook(template, str(error))
    return clean_document(document, template, limits)


def clean_document(document: Document, template: Template, limits: NotebookLimits = DEFAULT_NOTEBOOK) -> CleanNotebook:
    """Repair a notebook that has been read; see ``clean_notebook``."""
    known: dict[str, Facts] = {}
    clean = _repaired(document, template, limits, known)
    # repeated until nothing changes: what was kept out of a locked cell may turn out to be an answer, once it is a cell of its own.
    for _ in range(_PASSES_MAX):
        again = _repaired(_as_document(clean.notebook), template, limits, known)
        if again.notebook == clean.notebook:
            break
        clean = replace(again, notes=clean.notes + again.notes, status="repaired")
    return clean


def _as_document(notebook: NotebookNode) -> Document:
    return Document(
        [
            Cell(cell.cell_type, cell.source, cell.id, dict(cell.metadata.get("nbgrader", {})), cell.get("attachments", {}))
            for cell in notebook.cells
        ]
    )


def _repaired(document: Document, template: Template, limits: NotebookLimits, known: dict[str, Facts]) -> CleanNotebook:
    matching = match(template, document.cells, limits.syntax_bytes, known)
    arrangement = Arrangement(template, document.cells, matching)
    notes = [
        *document.notes,
        *provenance_notes(template, document, matching),
        *_cell_notes(template, document.cells, matching),
        *arrangement.notes,
        *_symbol_notes(template, document.cells, matching),
    ]
    notebook = _assembled(template, document.cells, arrangement.slots)
    return CleanNotebook(notebook, tuple(notes), "repaired" if notes else "ok")


def unreadable_notebook(template: Template, reason: str) -> CleanNotebook:
    """Return the stub for a file that cannot be read: the untouched template under a cell that says why."""
    cell = Cell("markdown", f"**This notebook could not be read:** {_escaped(reason)}.\n\nWhat follows is the untouched release.")
    notebook = _assembled(template, [cell], [Slot(None, 0), *(Slot(index, None) for index in range(len(template.cells)))])
    return CleanNotebook(notebook, (Note("unreadable", f"The notebook could not be read: {reason}."),), "unreadable", reason)


def _escaped(text: str) -> str:
    # the reason may quote a file's name, and this cell is rendered as Markdown.
    return re.sub(r"([\\`*_{}\[\]<>&#|!~$])", r"\\\1", text)


def _assembled(template: Template, cells: Sequence[Cell], slots: Sequence[Slot]) -> NotebookNode:
    used = {made.cell.id for made in template.cells}
    built = []
    for slot in slots:
        own = None if slot.cell is None else cells[slot.cell]
        if slot.template is not None:
            built.append(_template_node(template.cells[slot.template], own))
        elif own is not None:
            built.append(_own_node(own, used))
    notebook = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": copy.deepcopy(template.metadata), "cells": built})
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        # every part is built here, so this cannot be the submission's fault.
        raise IntakeError(f"release notebook {template.name} gives no valid notebook ({error.message}); build it again") from error
    return notebook


def _template_node(made: TemplateCell, own: Cell | None) -> NotebookNode:
    cell = copy.deepcopy(made.cell)
    if own is None or made.is_restored:
        return cell
    if made.kind is Kind.EXERCISE:
        cell.source = exercise_source(made, own.source)
        return cell
    cell.source = own.source
    if made.kind is Kind.PLAIN and normalised(own.source) != normalised(made.cell.source) and own.cell_type != cell.cell_type:
        # an edited cell of another type was turned into it on purpose.
        cell = _node(own.cell_type, own.source, cell.id, cell.metadata)
    if cell.cell_type == "markdown" and own.attachments:
        cell.attachments = copy.deepcopy(dict(own.attachments))
    return cell


def _own_node(own: Cell, used: set[str]) -> NotebookNode:
    cell_id = own.cell_id if own.cell_id and own.cell_id not in used else _fresh_id(own.source, used)
    used.add(cell_id)
    node = _node(own.cell_type, own.source, cell_id, {})
    if own.cell_type == "markdown" and own.attachments:
        node["attachments"] = copy.deepcopy(dict(own.attachments))
    return node


def _node(cell_type: str, source: str, cell_id: str, metadata: dict) -> NotebookNode:
    node = NotebookNode({"cell_type": cell_type, "id": cell_id, "metadata": metadata, "source": source})
    if cell_type == "code":
        node["outputs"], node["execution_count"] = [], None
    return node


def _fresh_id(source: str, used: set[str]) -> str:
    # from content and place, so that the same submission gives the same bytes every time.
    number = len(used)
    while (cell_id := hashlib.sha256(f"{number}\0{source}".encode()).hexdigest()[:12]) in used:
        number += 1
    return cell_id


def _cell_notes(template: Template, cells: Sequence[Cell], matching: Matching) -> list[Note]:
    notes: list[Note] = []
    for index, made in enumerate(template.cells):
        position = matching.chosen.get(index)
        if position is None or made.kind is Kind.PLAIN:
            continue
        cell, called = cells[position], f"{_WORDS[made.kind]} {made.name}"
        same = normalised(cell.source) == normalised(made.cell.source)
        if cell.cell_type != made.cell.cell_type:
            notes.append(Note(f"{made.kind}_retyped", f"The {called} had become a {cell.cell_type} cell; it was turned back.", made.name))
        if made.is_restored and not same:
            kept = " What it defined was kept in a cell before it." if matching.facts[position].bound and cell.cell_type == "code" else ""
            notes.append(Note(f"{made.kind}_changed", f"The {called} had been changed; the original was restored.{kept}", made.name))
        if matching.copies.get(index):
            times = len(matching.copies[index]) + 1
            notes.append(Note(f"{made.kind}_copies", f"The {called} was there {times} times; one was kept.", made.name))
        if made.kind is Kind.EXERCISE and is_comment(cell.source):
            text = f"The {called} was empty; the untouched stub was put back, which counts as not attempted."
            notes.append(Note("exercise_empty", text, made.name))
        if index not in matching.swapped.values() and _settings_differ(made, cell):
            notes.append(Note("settings_changed", f"The grading settings of the {called} had been changed; they were restored.", made.name))
    for index in matching.swapped.values():
        name = template.cells[index].name
        text = f"{name} was answered in another cell than its own; that cell was taken as the answer."
        notes.append(Note("exercise_elsewhere", text, name))
    return notes


def _settings_differ(made: TemplateCell, cell: Cell) -> bool:
    """Compare grading settings where the cell still carries its own; a cell that lost them all is no tampering."""
    if cell.grade_id is None:
        return False
    ours = made.cell.metadata.get("nbgrader", {})
    return any(key in cell.nbgrader and cell.nbgrader[key] != ours.get(key) for key in _SETTINGS)


def _symbol_notes(template: Template, cells: Sequence[Cell], matching: Matching) -> list[Note]:
    notes = []
    for index, made in enumerate(template.cells):
        position = matching.chosen.get(index)
        if made.kind is not Kind.EXERCISE or made.symbol is None or position is None or is_comment(cells[position].source):
            continue
        if not any(made.symbol in facts.bound for facts in matching.facts):
            notes.append(Note("name_missing", f"No cell defines {made.symbol}, the name that {made.name} asks for.", made.name))
    return notes


_SETTINGS = ("grade_id", "grade", "solution", "locked", "points", "task")
_WORDS = {Kind.EXERCISE: "cell of", Kind.CHECK: "check cell of", Kind.LOCKED: "locked cell", Kind.QUESTION: "answer to"}
