"""Where a notebook comes from: another assignment, an older release, another language."""

from __future__ import annotations

from autograder.intake.document import Document
from autograder.intake.matching import Matching
from autograder.intake.note import Note, printable
from autograder.intake.template import Kind, Template


def provenance_notes(template: Template, document: Document, matching: Matching) -> list[Note]:
    """Return notes on a notebook that does not come from this release.

    Args:
        template: the release notebook.
        document: the submission as read.
        matching: how the two were matched.
    """
    notes: list[Note] = []
    if document.language is not None and not document.language.startswith(("python", "ipython", "conda", "xpython")):
        notes.append(Note("language", f"The notebook says that it is written in {document.language}; it is graded as Python."))
    graded = [index for index, made in enumerate(template.cells) if made.kind is not Kind.PLAIN]
    known = template.by_grade_id
    foreign = sorted({cell.grade_id for cell in document.cells if cell.grade_id and cell.grade_id not in known})
    if document.cells and graded and not any(index in matching.chosen for index in graded):
        text = "None of the graded cells of this notebook was found in the file; it may belong to another notebook or assignment."
        notes.append(Note("foreign", text))
    elif foreign:
        names = printable(", ".join(foreign[:3]))
        text = f"The notebook holds graded cells that this release does not know ({names}); it may come from another version."
        notes.append(Note("outdated", text))
    elif _older_release(template, document, matching):
        notes.append(Note("outdated", "The notebook comes from another version of this assignment; it was brought up to date."))
    return notes


def _older_release(template: Template, document: Document, matching: Matching) -> bool:
    """nbgrader's release keeps each cell's checksum beside it; editing a cell does not change that, another release does."""
    for index, position in matching.chosen.items():
        ours = template.cells[index].cell.metadata.get("nbgrader", {}).get("checksum")
        theirs = document.cells[position].nbgrader.get("checksum")
        if ours and theirs and document.cells[position].grade_id == template.cells[index].grade_id and ours != theirs:
            return True
    return False
