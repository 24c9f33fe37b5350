"""An author's own hidden tests come back before a notebook is run; checks and students' cells stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

from autograder.engine.plain_tests import with_hidden_tests


def notebook(**sources: str) -> dict:
    def cell(name: str, source: str) -> dict:
        graded = name.startswith(("test", "check"))
        told = {"grade_id": f"{name}-tiny-one", "grade": graded, "locked": graded, "solution": name == "solution"}
        return {"cell_type": "code", "source": source, "metadata": {"nbgrader": told}}

    return {"cells": [cell(name, source) for name, source in sources.items()], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}


def test_hidden_tests_are_put_back_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "one.ipynb"
    source.write_text(json.dumps(notebook(solution="secret", test="assert f(1) == 2\nassert f(7) == 8  # hidden", check="secret check")))
    handed_in = notebook(solution="def f(x): return x", test="assert f(1) == 2", check="check('tiny.one', f)")
    found = json.loads(with_hidden_tests(json.dumps(handed_in).encode(), source))
    assert [cell["source"] for cell in found["cells"]] == [
        "def f(x): return x",
        "assert f(1) == 2\nassert f(7) == 8  # hidden",
        "check('tiny.one', f)",
    ]


def test_without_plain_tests_the_bytes_stay(tmp_path: Path) -> None:
    content = json.dumps(notebook(solution="mine", check="check('tiny.one', f)")).encode()
    assert with_hidden_tests(content, tmp_path / "none.ipynb") is content
    source = tmp_path / "one.ipynb"
    source.write_bytes(content)
    assert with_hidden_tests(content, source) is content
