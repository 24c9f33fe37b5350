"""nbgrader's grade ids of the cells that belong to an exercise or a question, both ways.

``pose.soft_argmax`` is written in the cell ``solution-pose-soft_argmax`` and checked in ``check-pose-soft_argmax``. A topic holds
letters and digits only, so the first two hyphens of an id always separate the same three parts.
"""

from __future__ import annotations

import re

# the words of the cell options, and how ids begin.
PREFIXES = {"exercise": "solution", "check": "check", "question": "question", "answer": "answer", "test": "test"}
_ROLES = {prefix: role for role, prefix in PREFIXES.items()}
_ID = re.compile(rf"({'|'.join(_ROLES)})-([a-z][a-z0-9]*)-([a-z][a-z0-9_]*)")


def grade_id(role: str, name: str) -> str:
    """Return the grade id of the cell that plays ``role`` for ``name``.

    Args:
        role: one of ``PREFIXES``.
        name: ``topic.name``.
    """
    if role not in PREFIXES:
        raise ValueError(f"role {role!r} must be one of {sorted(PREFIXES)}")
    made = f"{PREFIXES[role]}-{name.replace('.', '-', 1)}"
    if parse_grade_id(made) != (role, name):
        raise ValueError(f"name {name!r} must read topic.name in lower case, digits and underscores")
    return made


def parse_grade_id(text: str) -> tuple[str, str] | None:
    """Return ``(role, name)`` of a grade id that ``grade_id`` made; None for any other text."""
    match = _ID.fullmatch(text)
    return (_ROLES[match[1]], f"{match[2]}.{match[3]}") if match else None
