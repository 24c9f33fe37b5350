"""Recipes of demo students: what they hand in, what is expected of it, and what a mistyped recipe is told."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from autograder.demo.outcome import judge_outcome
from autograder.demo.recipe import Material, Recipe, RecipeError, read_recipes, write_submission
from autograder.exercise.assignment import load_assignment

RECIPE = """
title = "did one notebook"
kind = "honest"
{more}
[expect]
points = 2.0
"""


@pytest.fixture
def material(root: Path) -> Material:
    a1 = load_assignment(root / "assignments" / "a1_pose")
    solutions = dict.fromkeys(a1.exercises, "pass")
    return Material(a1.folder, root / "release" / "a1_pose", solutions, a1.notebooks, datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC))


def recipe_of(folder: Path, more: str = "") -> Recipe:
    student = folder / "recipes" / "ada"
    student.mkdir(parents=True, exist_ok=True)
    (student / "submission.toml").write_text(RECIPE.format(more=more), encoding="utf-8")
    (recipe,) = read_recipes(student.parent)
    return recipe


def test_everything_is_handed_in_unless_the_recipe_names_less(tmp_path: Path, material: Material) -> None:
    write_submission(recipe_of(tmp_path), material, tmp_path / "all")
    assert {path.stem for path in (tmp_path / "all").glob("*.ipynb")} == set(material.notebooks)
    write_submission(recipe_of(tmp_path, 'hands_in = ["2_integral"]'), material, tmp_path / "one")
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"2_integral.ipynb", "timestamp.txt"}


def test_what_was_not_handed_in_is_expected_to_be_missing(tmp_path: Path, material: Material) -> None:
    ledger = {"points": 2.0, "bonus_points": 0.0, "exercises": [], "status": "GRADED"}
    one = recipe_of(tmp_path, 'hands_in = ["2_integral"]')
    assert judge_outcome(one, {"2_integral": ledger}, material.notebooks, 2.0, 0.0).faults == ()
    every = judge_outcome(recipe_of(tmp_path), {"2_integral": ledger}, material.notebooks, 2.0, 0.0)
    assert len(every.faults) == len(material.notebooks) - 1 and "1_heatmaps is MISSING, expected GRADED" in every.faults
    both = judge_outcome(one, {"2_integral": ledger, "1_heatmaps": ledger}, material.notebooks, 4.0, 0.0)
    assert "1_heatmaps is GRADED, expected MISSING" in both.faults


def test_a_notebook_that_does_not_exist_is_refused(tmp_path: Path, material: Material) -> None:
    with pytest.raises(RecipeError, match="ada: 2_integrals is no notebook of the assignment; it has 1_heatmaps, 2_integral"):
        write_submission(recipe_of(tmp_path, 'hands_in = ["2_integrals"]'), material, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_notebook_that_is_described_but_not_handed_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="1_heatmaps is described but not in hands_in"):
        recipe_of(tmp_path, 'hands_in = ["2_integral"]\n[notebooks.1_heatmaps]\nbase = "untouched"')
