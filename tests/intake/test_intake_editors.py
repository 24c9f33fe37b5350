"""A re-save by another editor loses nothing, notes nothing and changes no hidden case."""

from __future__ import annotations

import nbformat
import pytest
from editor_notebooks import EDITORS
from intake_notebooks import ALL_RIGHT, ANSWER_QUESTION, as_bytes, judged, put, release_template, solved
from nbgrader.nbgraderformat import MetadataValidator

from autograder.intake.fingerprint import submission_hash
from autograder.intake.repair import clean_notebook
from autograder.intake.template import Template


@pytest.fixture(scope="module")
def template() -> Template:
    return release_template()


@pytest.mark.parametrize("name", EDITORS)
def test_an_editors_file_is_sound(name: str, template: Template) -> None:
    clean = clean_notebook(EDITORS[name](), template)
    assert {note.code for note in clean.notes} == ({"format_old"} if name == "nbformat_3" else set())
    assert judged(clean.notebook) == ALL_RIGHT
    nbformat.validate(clean.notebook)
    MetadataValidator().validate_nb(clean.notebook)
    (answer,) = [cell for cell in clean.notebook.cells if cell.metadata.get("vislab", {}).get("question")]
    assert answer.source == ANSWER_QUESTION


@pytest.mark.parametrize("name", EDITORS)
def test_a_re_save_keeps_the_submission_hash(name: str, template: Template) -> None:
    original = clean_notebook(as_bytes(solved()), template)
    saved = clean_notebook(EDITORS[name](), template)
    assert submission_hash(saved.notebook) == submission_hash(original.notebook)
    assert [cell.source for cell in saved.notebook.cells] == [cell.source for cell in original.notebook.cells]


def test_nbformats_own_downgrade_is_read(template: Template) -> None:
    current = nbformat.reads(as_bytes(solved()).decode(), as_version=4)
    old = nbformat.writes(nbformat.convert(current, 3), version=3)
    clean = clean_notebook(old.encode(), template)
    assert judged(clean.notebook) == ALL_RIGHT
    assert [note.code for note in clean.notes] == ["format_old"]


def test_the_hash_sees_every_change_of_code_and_of_extra_files(template: Template) -> None:
    base = clean_notebook(as_bytes(solved()), template).notebook
    table = solved()
    put(table, "solution-pose-soft_argmax", "def soft_argmax(heatmaps=None):\n    return 'soft' ")
    hashes = {
        submission_hash(base),
        submission_hash(clean_notebook(as_bytes(table), template).notebook),
        submission_hash(base, {"model.safetensors": b"1"}),
        submission_hash(base, {"model.safetensors": b"2"}),
        submission_hash(base, {"model.safetensor": b"s1"}),
        submission_hash(base, {"a": b"1", "b": b"2"}),
        submission_hash(base, {"a": b"1b", "": b"2"}),
    }
    assert len(hashes) == 7


def test_the_hash_does_not_run_two_cells_together(template: Template) -> None:
    def notebook(*sources: str) -> nbformat.NotebookNode:
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])

    assert submission_hash(notebook("ab", "c")) != submission_hash(notebook("a", "bc"))
    assert submission_hash(notebook("a", "b")) != submission_hash(notebook("b", "a"))
    assert submission_hash(notebook("a\r\nb")) == submission_hash(notebook("a\nb"))
    assert submission_hash(notebook("a \nb")) != submission_hash(notebook("a\nb"))


def test_the_hash_ignores_text_cells_but_not_code_that_became_text(template: Template) -> None:
    table = solved()
    put(table, "question-bias", "Something else.")
    base = clean_notebook(as_bytes(solved()), template).notebook
    assert submission_hash(clean_notebook(as_bytes(table), template).notebook) == submission_hash(base)
    without = base.copy()
    without.cells = [cell for cell in base.cells if cell.id != "demo"]
    assert submission_hash(without) != submission_hash(base)
