"""The markers' own reading agrees with nbgrader's, line by line."""

from __future__ import annotations

import logging

import nbformat
import pytest
from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions

from autograder.authoring.cell import Cell, Role
from autograder.authoring.lesson import read_lesson
from autograder.authoring.markers import CODE_STUB, TEXT_STUB, lint, released, removed_lines, without_markers

TWO_REGIONS = """\
class Head:
    def __init__(self):
        ### BEGIN SOLUTION
        self.a = 1

        self.b = 2
        ### END SOLUTION

    def forward(self, x):
        y = x
        ### BEGIN SOLUTION
        return y + self.a
        ### END SOLUTION"""


def nbgrader_released(source: str, markdown: bool) -> str:
    metadata = {
        "nbgrader": {"grade": markdown, "solution": True, "locked": False, "grade_id": "x", "points": 1, "schema_version": 3, "task": False}
    }
    make = nbformat.v4.new_markdown_cell if markdown else nbformat.v4.new_code_cell
    notebook = nbformat.v4.new_notebook(cells=[make(source, metadata=metadata)])
    notebook, _ = ClearSolutions(log=logging.Logger("quiet")).preprocess(notebook, {})
    return notebook.cells[0].source


@pytest.mark.parametrize(
    "source",
    [TWO_REGIONS, "### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "def f():\n\t### BEGIN SOLUTION\n\treturn 1\n\t### END SOLUTION\n"],
)
def test_code_is_released_as_nbgrader_does(source):
    assert released(source, is_markdown=False) == nbgrader_released(source, markdown=False)


def test_text_is_released_as_nbgrader_does():
    source = "Why?\n\n### BEGIN SOLUTION\nBecause.\n\nReally.\n### END SOLUTION\nEnd of page."
    assert released(source, is_markdown=True) == nbgrader_released(source, markdown=True) == f"Why?\n\n{TEXT_STUB}\nEnd of page."


def test_hidden_tests_are_released_as_nbgrader_does():
    source = "assert f(1) == 1\n### BEGIN HIDDEN TESTS\nassert f(2) == 2\n### END HIDDEN TESTS\nprint('done')"
    metadata = {
        "nbgrader": {"grade": True, "solution": False, "locked": True, "grade_id": "x", "points": 1, "schema_version": 3, "task": False}
    }
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata=metadata)])
    notebook, _ = ClearHiddenTests(log=logging.Logger("quiet")).preprocess(notebook, {})
    assert released(source, is_markdown=False) == notebook.cells[0].source == "assert f(1) == 1\nprint('done')"


def test_the_stub_is_nbgraders():
    assert ClearSolutions().code_stub["python"] == CODE_STUB
    assert ClearSolutions().text_stub == TEXT_STUB


def test_what_is_removed_and_what_is_kept():
    assert [line.strip() for _, line in removed_lines(TWO_REGIONS)] == ["self.a = 1", "", "self.b = 2", "return y + self.a"]
    assert [offset for offset, _ in removed_lines(TWO_REGIONS)] == [3, 4, 5, 11]
    kept = without_markers(TWO_REGIONS)
    assert "###" not in kept
    assert "self.b = 2" in kept


def test_an_exercise_without_a_region_is_refused():
    # nbgrader would replace the whole cell, signature and docstring included.
    (fault,) = lint(Cell(Role.EXERCISE, "def f(x):\n    return x", 7, "a.f"), "lessons/x.py")
    assert str(fault) == (
        "lessons/x.py:7: 'a.f': an exercise cell without a solution region: nbgrader would replace the whole cell by its stub;"
        " write the answer between ### BEGIN SOLUTION and ### END SOLUTION"
    )


def test_automatic_tests_of_nbgrader_are_refused():
    (fault,) = lint(Cell(Role.TEST, "### AUTOTEST f(1)", 3, "a.f", 1), "lessons/x.py")
    assert "nbgrader would run this cell" in fault.rule


def test_a_marker_in_a_string_is_refused():
    source = 'def f(x):\n    """\n    ### BEGIN SOLUTION\n    secret\n    ### END SOLUTION\n    """'
    faults = lint(Cell(Role.EXERCISE, source, 1, "a.f"), "lessons/x.py")
    assert [(fault.line, "stands in a string" in fault.rule) for fault in faults] == [(3, True), (5, True)]


def test_a_cell_with_magics_is_judged_by_its_lines():
    source = "%%time\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION"
    assert lint(Cell(Role.ANSWER, source, 1, "a.f"), "lessons/x.py") == []


def test_sound_lessons_have_no_fault(mini):
    for path in sorted((mini.folder / "lessons").glob("*.py")):
        lesson = read_lesson(path)
        assert [fault for cell in lesson.cells for fault in lint(cell, lesson.place)] == []
