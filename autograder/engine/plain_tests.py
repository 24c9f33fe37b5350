"""An author's own nbgrader tests: put back, with their hidden part, into a notebook before it is run.

Intake restores a locked cell as it was released, and a release has no hidden tests. Scores of such cells are nbgrader's and stay unproven:
the tests run in the student's own process, as they always have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.exercise.grade_ids import CHECK, role_of


def with_hidden_tests(content: bytes, source: Path) -> bytes:
    """Return a cleaned notebook with the full text of its plain test cells.

    Args:
        content: notebook JSON as intake wrote it.
        source: the instructor's notebook; where it does not exist or holds no plain test, ``content`` comes back unchanged.
    """
    if not source.is_file():
        return content
    tests = {}
    for cell in json.loads(source.read_text(encoding="utf-8"))["cells"]:
        grade_id = _plain_test(cell)
        if grade_id is not None:
            tests[grade_id] = cell["source"]
    if not tests:
        return content
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        grade_id = _plain_test(cell)
        if grade_id in tests:
            cell["source"] = tests[grade_id]
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8")


def _plain_test(cell: dict[str, Any]) -> str | None:
    told = cell.get("metadata", {}).get("nbgrader", {})
    grade_id = told.get("grade_id")
    plain = cell.get("cell_type") == "code" and told.get("grade") and told.get("locked") and not told.get("solution")
    return grade_id if plain and isinstance(grade_id, str) and role_of(grade_id) != CHECK else None
