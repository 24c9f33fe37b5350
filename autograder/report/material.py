"""What a report is made from: plain data, gathered by whoever knows the course."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autograder.gradebook.marks import Entry


@dataclass(frozen=True)
class Submission:
    """One student.

    Args:
        student: as the report calls them.
        ledgers: by notebook, of what was graded.
        answers: exercise to the source of its cell, as handed in.
        entry: in the gradebook; None where it has none.
        refused: why intake could not take it, if so.
    """

    student: str
    ledgers: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, str] = field(default_factory=dict)
    entry: Entry | None = None
    refused: str | None = None

    @property
    def exercises(self) -> list[Mapping[str, Any]]:
        """Return the ledgers' entries, one an exercise."""
        return [entry for ledger in self.ledgers.values() for entry in ledger["exercises"]]

    @property
    def points(self) -> float:
        """Points of all check cells, bonus included."""
        return round(sum(ledger["points"] + ledger["bonus_points"] for ledger in self.ledgers.values()), 6)


@dataclass(frozen=True)
class Asked:
    """What an assignment asks in one exercise.

    Args:
        name, title: of the exercise.
        notebook: that holds it.
        points: the most it earns.
        bonus: comes on top.
        stub: the cell as released.
        hidden: names of its hidden cases.
        kills: mutant to the cases that reject it.
    """

    name: str
    title: str
    notebook: str
    points: float
    bonus: bool = False
    stub: str = ""
    hidden: frozenset[str] = frozenset()
    kills: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassMaterial:
    """A class and what it was asked.

    Args:
        assignment, title: of the assignment.
        exercises: in the notebooks' order.
        submissions: by student.
    """

    assignment: str
    title: str
    exercises: Sequence[Asked]
    submissions: Sequence[Submission]

    def without_names(self) -> ClassMaterial:
        """Return the same with numbers for names, in an order that says nothing about them and is another one every time."""
        salt = secrets.token_bytes(16)
        order = sorted(self.submissions, key=lambda each: hashlib.sha256(salt + each.student.encode()).digest())
        width = len(str(len(order)))
        hidden = [_called(each, f"student {number:0{width}d}") for number, each in enumerate(order, 1)]
        return replace(self, submissions=hidden)


def _called(submission: Submission, name: str) -> Submission:
    """Return a submission under another name, which its error texts use too: they tell folders."""

    def told(text: str) -> str:
        return text.replace(submission.student, name)

    ledgers = {book: {**ledger, "error": told(str(ledger.get("error", "")))} for book, ledger in submission.ledgers.items()}
    refused = None if submission.refused is None else told(submission.refused)
    return replace(submission, student=name, ledgers=ledgers, refused=refused)
