"""The release notebook as yardstick, and what is wrong with a broken one."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from intake_notebooks import SYMBOLS, release_notebook, release_template

from autograder.intake.limits import IntakeError
from autograder.intake.template import Kind, load_templates, make_template


def test_the_kinds_of_cells_are_known() -> None:
    kinds = [(cell.kind, cell.name) for cell in release_template().cells if cell.kind is not Kind.PLAIN]
    assert kinds == [
        (Kind.EXERCISE, "pose.soft_argmax"),
        (Kind.CHECK, "pose.soft_argmax"),
        (Kind.QUESTION, "pose.q_bias"),
        (Kind.EXERCISE, "pose.masked_l2"),
        (Kind.CHECK, "pose.masked_l2"),
        (Kind.EXERCISE, "pose.head"),
        (Kind.CHECK, "pose.head"),
        (Kind.LOCKED, "joints"),
        (Kind.LOCKED, "test-joints"),
    ]
    assert release_template().symbols == set(SYMBOLS.values())


def test_a_missing_symbol_is_read_from_the_stub() -> None:
    assert make_template("1_pose", release_notebook(), {}).symbols == set(SYMBOLS.values())


def test_the_given_notebook_is_not_changed() -> None:
    notebook = release_notebook()
    before = nbformat.writes(notebook)
    make_template("1_pose", notebook, SYMBOLS)
    assert nbformat.writes(notebook) == before


def test_a_doubled_grade_id_is_refused() -> None:
    notebook = release_notebook()
    notebook.cells[4].metadata.nbgrader["grade_id"] = "joints"
    with pytest.raises(IntakeError, match="release notebook 1_pose: grade id joints occurs twice; build and release"):
        make_template("1_pose", notebook, SYMBOLS)


def test_a_missing_grade_id_is_refused() -> None:
    notebook = release_notebook()
    del notebook.cells[4].metadata.nbgrader["grade_id"]
    with pytest.raises(IntakeError, match="has no grade id"):
        make_template("1_pose", notebook, SYMBOLS)


def test_templates_are_loaded_in_reading_order(tmp_path: Path) -> None:
    for name in ("2_b", "1_a"):
        nbformat.write(release_notebook(), tmp_path / f"{name}.ipynb")
    assert list(load_templates(tmp_path, ["2_b", "1_a"], SYMBOLS)) == ["2_b", "1_a"]


def test_a_missing_release_is_named(tmp_path: Path) -> None:
    with pytest.raises(IntakeError, match=r"1_a\.ipynb is missing; build the release with 'python -m autograder build"):
        load_templates(tmp_path, ["1_a"], SYMBOLS)
    (tmp_path / "1_a.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(IntakeError, match=r"1_a\.ipynb is no valid release notebook"):
        load_templates(tmp_path, ["1_a"], SYMBOLS)
