"""Cells of a lesson, by their part in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a cell is for. The named ones take their name from the cell option of the same word."""

    MARKDOWN = "markdown"
    CODE = "code"
    SETUP = "setup"
    EXERCISE = "exercise"
    CHECK = "check"
    QUESTION = "question"
    ANSWER = "answer"
    TEST = "test"


NAMED = (Role.EXERCISE, Role.CHECK, Role.QUESTION, Role.ANSWER, Role.TEST)
MARKDOWN_ROLES = frozenset({Role.MARKDOWN, Role.QUESTION})
SOLUTION_ROLES = frozenset({Role.EXERCISE, Role.QUESTION, Role.ANSWER})


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson.

    Args:
        role: its part in the lesson.
        source: its text, as nbgrader will see it.
        line: 1-based line of the lesson file on which ``source`` begins.
        name: ``topic.name`` for the named roles; None otherwise.
        points: for a question and a test; an exercise's points come from its exercise module.
        exempt: why nbval does not compare this cell's output; None where it does.
        tags: Jupyter cell tags.
    """

    role: Role
    source: str
    line: int
    name: str | None = None
    points: float | None = None
    exempt: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def is_markdown(self) -> bool:
        return self.role in MARKDOWN_ROLES

    def line_of(self, offset: int) -> int:
        """Line of the lesson file that holds line ``offset`` (from 0) of the source."""
        return self.line + offset
