"""Which file of a submission is which expected notebook: by name, and where the name went wrong by content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.intake.document import Document
from autograder.intake.matching import match
from autograder.intake.note import Note, printable
from autograder.intake.syntax import normalised
from autograder.intake.template import Kind, Template

# "1_regression (2)", "1_regression-3", "Copy of 1_regression": the number that a browser or an LMS put behind the name.
_COPY_NUMBER = re.compile(r"[ _-]?\(?(\d{1,4})\)?$")
NOTEBOOK_ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json", ".json")


@dataclass(frozen=True)
class Candidate:
    """A file that may be a notebook.

    Args:
        name: path below the submission folder; inside an archive ``archive.zip/path``.
        document: what was read; None where nothing could be.
        reason: why nothing could be read.
    """

    name: str
    document: Document | None = None
    reason: str | None = None

    @property
    def stem(self) -> str:
        base = self.name.rpartition("/")[2]
        for ending in NOTEBOOK_ENDINGS:
            if base.lower().endswith(ending):
                return base[: -len(ending)]
        return base


@dataclass(frozen=True)
class Choice:
    """The file taken for an expected notebook, and what is to be said about that."""

    candidate: Candidate
    notes: tuple[Note, ...] = ()


def may_be_notebook(name: str) -> bool:
    """Say whether a file's name is one that a notebook could have."""
    return name.lower().endswith(NOTEBOOK_ENDINGS)


def select(templates: Mapping[str, Template], candidates: Sequence[Candidate]) -> dict[str, Choice]:
    """Choose a file for each expected notebook.

    The exact name wins when the file can be read. Otherwise a file is taken whose content is clearly that notebook; of several, the one
    with the most exercises answered, then the one nearest to the top folder, then the highest copy number, then the first name.
    A file that cannot be read stands for the notebook whose name it bears.

    Args:
        templates: release notebooks by stem.
        candidates: the submission's files.

    Returns:
        Stem to choice; a notebook that is missing has no entry.
    """
    chosen: dict[str, Choice] = {}
    exact = {candidate.name.removesuffix(".ipynb"): candidate for candidate in candidates if candidate.name.endswith(".ipynb")}
    for name in templates:
        if name in exact and exact[name].document is not None:
            chosen[name] = Choice(exact[name])
    free = [candidate for candidate in candidates if candidate.name.removesuffix(".ipynb") not in chosen]
    homes = {candidate.name: _home(templates, candidate) for candidate in free}
    for name, template in templates.items():
        own = [candidate for candidate in free if homes[candidate.name] == name]
        if name in chosen:
            if own:
                others = printable(", ".join(sorted(candidate.name for candidate in own)))
                chosen[name] = Choice(chosen[name].candidate, (Note("other_copies", f"Further copies of {name} were left out: {others}."),))
            continue
        readable = [candidate for candidate in own if candidate.document is not None]
        if readable:
            best = min(readable, key=lambda candidate: _rank(template, candidate))
            chosen[name] = Choice(best, _notes(name, best, own, exact.get(name)))
        elif name in exact:
            chosen[name] = Choice(exact[name])
        elif own:
            best = min(own, key=lambda candidate: (candidate.name.count("/"), candidate.name))
            chosen[name] = Choice(best, _notes(name, best, own, None))
    return chosen


def _home(templates: Mapping[str, Template], candidate: Candidate) -> str | None:
    """Return the notebook that a file with another name clearly is; None where it is not clear."""
    named = [name for name in templates if _bears(candidate.stem, name)]
    # the longest: 1_pose and 1_pose_extra may both be expected.
    by_name = max(named, key=len, default=None)
    if candidate.document is None:
        return by_name
    scores = {name: likeness(template, candidate.document) for name, template in templates.items()}
    if by_name is not None and scores[by_name] > 0:
        return by_name
    best = max(scores, key=lambda name: scores[name], default=None)
    if best is None or list(scores.values()).count(scores[best]) > 1:
        return None
    graded = sum(made.kind in (Kind.EXERCISE, Kind.QUESTION) for made in templates[best].cells)
    return best if scores[best] > 0 and 2 * scores[best] >= graded else None


def _bears(stem: str, name: str) -> bool:
    """``1_regression-alice`` bears ``1_regression``; ``11_regression`` does not."""
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", stem, re.IGNORECASE) is not None


def likeness(template: Template, document: Document) -> int:
    """Count the exercises and questions of a template that a document holds by grade id, cell id or defined name."""
    matching = match(template, document.cells)
    count = 0
    for index, made in enumerate(template.cells):
        position = matching.chosen.get(index)
        if position is None or made.kind not in (Kind.EXERCISE, Kind.QUESTION):
            continue
        cell = document.cells[position]
        defines = made.symbol is not None and made.symbol in matching.facts[position].defined
        count += cell.grade_id == made.grade_id or cell.cell_id == made.cell.id or defines
    return count


def _rank(template: Template, candidate: Candidate) -> tuple[int, int, int, str]:
    number = _COPY_NUMBER.search(candidate.stem)
    return (-_answered(template, candidate), candidate.name.count("/"), -int(number.group(1)) if number else 0, candidate.name)


def _answered(template: Template, candidate: Candidate) -> int:
    if candidate.document is None:
        return 0
    cells = candidate.document.cells
    matching = match(template, cells)
    exercises = ((index, made) for index, made in enumerate(template.cells) if made.kind is Kind.EXERCISE and index in matching.chosen)
    return sum(normalised(cells[matching.chosen[index]].source) != normalised(made.cell.source) for index, made in exercises)


def _notes(name: str, best: Candidate, own: Sequence[Candidate], unreadable: Candidate | None) -> tuple[Note, ...]:
    notes = [Note("renamed", f"The file {printable(best.name)} was taken for {name}.ipynb; hand it in under that name next time.")]
    others = sorted(candidate.name for candidate in own if candidate.name != best.name)
    if unreadable is not None and unreadable.name not in others:
        others.append(unreadable.name)
    if others:
        notes.append(Note("other_copies", f"Further copies of {name} were left out: {printable(', '.join(others))}."))
    return tuple(notes)
