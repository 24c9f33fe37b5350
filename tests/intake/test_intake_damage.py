"""Damaged notebooks: every one comes out valid, with the answers judged that the student gave."""

from __future__ import annotations

import json

import nbformat
import pytest
from damaged_notebooks import DAMAGES, Damage
from intake_notebooks import ALL_RIGHT, as_bytes, cell_of, grade_id, judged, put, release_notebook, release_template, solved
from nbgrader.nbgraderformat import MetadataValidator

from autograder.intake.limits import NotebookLimits
from autograder.intake.repair import clean_notebook
from autograder.intake.template import Template


@pytest.fixture(scope="module")
def template() -> Template:
    return release_template()


def graded_ids(notebook: nbformat.NotebookNode) -> list[str]:
    return [grade_id(cell) for cell in notebook.cells if grade_id(cell)]


def test_there_are_enough_recipes() -> None:
    assert len(DAMAGES) >= 100
    assert len({damage.name for damage in DAMAGES}) == len(DAMAGES)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage_is_repaired(damage: Damage, template: Template) -> None:
    clean = clean_notebook(damage.make(), template)
    assert clean.status == damage.status
    if damage.codes is not None:
        assert {note.code for note in clean.notes} == damage.codes
    if damage.judged is not None:
        assert judged(clean.notebook) == damage.judged

    nbformat.validate(clean.notebook)
    MetadataValidator().validate_nb(clean.notebook)
    wanted = graded_ids(release_notebook())
    # every graded cell once; answers that were merged into another cell have none of their own.
    merged = {"solution-pose-masked_l2"} if damage.name == "two_answers_merged_into_one_cell" else set()
    assert sorted(graded_ids(clean.notebook)) == sorted(set(wanted) - merged)
    ids = [cell.id for cell in clean.notebook.cells]
    assert len(set(ids)) == len(ids)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in clean.notebook.cells)
    assert clean.notebook.metadata == template.metadata
    assert (clean.reason is None) == (clean.status != "unreadable")
    for note in clean.notes:
        assert note.text[0].isupper() or note.text.startswith("pose."), note
        assert note.text.endswith(".") and "\n" not in note.text and len(note.text) < 300, note


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_cleaning_the_cleaned_changes_nothing(damage: Damage, template: Template) -> None:
    once = clean_notebook(damage.make(), template)
    twice = clean_notebook(once.content, template)
    assert twice.content == once.content
    assert twice.content == clean_notebook(damage.make(), template).content, "two runs differ"


def test_locked_cells_come_from_the_release(template: Template) -> None:
    table = solved()
    put(table, "check-pose-head", "check('pose.head', print)")
    cell_of(table, "check-pose-head")["metadata"]["nbgrader"].update({"points": 99, "grade": False, "solution": True})
    clean = clean_notebook(as_bytes(table), template)
    ours = {grade_id(cell): cell for cell in release_notebook().cells if grade_id(cell)}
    for cell in clean.notebook.cells:
        if grade_id(cell):
            assert cell.metadata == ours[grade_id(cell)].metadata
            if cell.metadata.nbgrader.locked:
                assert cell.source == ours[grade_id(cell)].source


def test_the_damage_would_have_cost_marks_without_repair() -> None:
    losing = 0
    for damage in DAMAGES:
        if damage.judged != ALL_RIGHT:
            continue
        try:
            as_it_came = judged(nbformat.from_dict(json.loads(damage.make())))
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            losing += 1
            continue
        losing += as_it_came != ALL_RIGHT
    assert losing >= 25


def test_an_undamaged_notebook_keeps_everything(template: Template) -> None:
    table = solved()
    clean = clean_notebook(as_bytes(table), template)
    assert (clean.status, clean.notes) == ("ok", ())
    assert [cell.source for cell in clean.notebook.cells] == [cell["source"] for cell in table["cells"]]
    assert [cell.id for cell in clean.notebook.cells] == [cell["id"] for cell in table["cells"]]


def test_a_pasted_picture_survives_and_a_pasted_page_does_not(template: Template) -> None:
    table = solved()
    cell = cell_of(table, "question-bias")
    cell["attachments"] = {
        "a.png": {"image/png": "iVBORw0KGgo="},
        "b.svg": {"image/svg+xml": "<svg onload=x>"},
        "c.png": {"image/png": "<script>"},
    }
    clean = clean_notebook(as_bytes(table), template)
    (kept,) = [each for each in clean.notebook.cells if each.id == "question-bias"]
    assert kept.attachments == {"a.png": {"image/png": "iVBORw0KGgo="}}


def test_limits_are_named(template: Template) -> None:
    table = solved()
    for limits, word in [
        (NotebookLimits(file_bytes=100), "more than 100 bytes"),
        (NotebookLimits(values=10), "JSON values"),
        (NotebookLimits(depth=2), "nested deeper than 2"),
        (NotebookLimits(cells=3), "17 cells; at most 3"),
        (NotebookLimits(source_bytes=20), "more than 20 bytes of text"),
    ]:
        clean = clean_notebook(as_bytes(table), template, limits)
        assert clean.status == "unreadable"
        assert word in (clean.reason or "")
        assert judged(clean.notebook) == {name: ["stub"] for name in ALL_RIGHT}


def test_the_stub_of_an_unreadable_file_says_why_without_markup(template: Template) -> None:
    clean = clean_notebook(b'{"cells": 1}<img src=x onerror=alert(1)>', template)
    assert clean.status == "unreadable"
    first = clean.notebook.cells[0]
    assert first.cell_type == "markdown" and "could not be read" in first.source
    assert "<img" not in first.source


def test_a_huge_answer_is_still_recognised_by_its_lines(template: Template) -> None:
    table = solved()
    put(table, "solution-pose-soft_argmax", "def soft_argmax(h=None):\n    return 'soft'\n" + "# padding\n" * 40_000)
    for cell in table["cells"]:
        cell["metadata"] = {}
        del cell["id"]
    assert judged(clean_notebook(as_bytes(table), template).notebook) == ALL_RIGHT
