"""The grade ids under which nbgrader knows the cells of an exercise, each way.

An id reads ``role-topic-name``: ``check-pose-soft_argmax`` is the check cell of ``pose.soft_argmax``. nbgrader allows letters, digits,
hyphens and underscores in ids; exercise names hold no hyphen, so the way back is unique.
"""

from __future__ import annotations

SOLUTION, CHECK, QUESTION = "solution", "check", "question"
ROLES = (SOLUTION, CHECK, QUESTION)


def solution_id(exercise: str) -> str:
    """Return the grade id of the cell that a student fills in."""
    return f"{SOLUTION}-{exercise.replace('.', '-')}"


def check_id(exercise: str) -> str:
    """Return the grade id of the locked cell that checks it."""
    return f"{CHECK}-{exercise.replace('.', '-')}"


def question_id(question: str) -> str:
    """Return the grade id of a manually graded answer."""
    return f"{QUESTION}-{question.replace('.', '-')}"


def role_of(grade_id: str) -> str | None:
    """Return ``"solution"``, ``"check"`` or ``"question"``; None for a foreign id."""
    role = grade_id.partition("-")[0]
    return role if role in ROLES and grade_id.count("-") == 2 else None


def exercise_of(grade_id: str) -> str | None:
    """Return the exercise (or question) name behind a grade id; None for a foreign id."""
    if role_of(grade_id) is None:
        return None
    _, topic, name = grade_id.split("-")
    return f"{topic}.{name}"
