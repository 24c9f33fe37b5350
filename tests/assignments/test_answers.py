"""Mutants and accepted answers of every assignment, under one course secret; the audit repeats this under twenty."""

import ast
import tomllib
from pathlib import Path

import pytest
from course_assignments import ACCEPTED, ASSIGNMENTS, EXERCISES, MUTANTS, exercise_of, label, owner

from vislab.check.verdict import Verdict

# what the report says about a mutant, by assignment and then by answer file.
NAMED = {
    f"{path.stem}/{answer}": words
    for path in sorted((Path(__file__).parent / "named").glob("*.toml"))
    for answer, words in tomllib.loads(path.read_text(encoding="utf-8")).items()
}


@pytest.mark.parametrize("path", MUTANTS, ids=label)
def test_mutant_loses_points_on_hidden_cases(judged, path):
    exercise = exercise_of(path)
    record, score = judged(exercise, path)
    public = {case.name for case in exercise.cases() if case.public}
    wrong = [case for case in record.cases if case.verdict is not Verdict.OK]
    assert score.earned < exercise.points_total
    assert [case for case in wrong if case.name not in public], "only public cases reject it"
    assert len(wrong) >= 2, f"a single case rejects it: {wrong}"
    assert Verdict.GRADER_ERROR not in {case.verdict for case in record.cases}
    if label(path) in NAMED:
        assert any(NAMED[label(path)] in case.text for case in wrong), [case.text for case in wrong]


@pytest.mark.parametrize("path", ACCEPTED, ids=label)
def test_accepted_answer_keeps_every_point(judged, path):
    exercise = exercise_of(path)
    record, score = judged(exercise, path)
    assert [(case.name, case.text) for case in record.cases if case.verdict is not Verdict.OK] == []
    assert score.earned == exercise.points_total, record.observed


@pytest.mark.parametrize("path", MUTANTS + ACCEPTED, ids=label)
def test_answer_file_says_what_it_is_and_defines_the_symbol(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    sentence = ast.get_docstring(tree)
    defined = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert sentence and sentence.endswith(".") and "\n" not in sentence
    exercise = exercise_of(path)
    # weights are made by a function of that name; what students hand in is a file.
    assert ("weights" if exercise.probe.kind == "model" else exercise.symbol) in defined


@pytest.mark.parametrize("name", EXERCISES)
def test_exercise_ships_enough_answers(name):
    folder, stem = owner(name).folder, EXERCISES[name].file_stem
    assert len(list((folder / "mutants" / stem).glob("*.py"))) >= 4
    assert len(list((folder / "accepted" / stem).glob("*.py"))) >= 2


def test_diagnoses_are_asked_of_mutants_that_exist():
    assert set(NAMED) <= {label(path) for path in MUTANTS}
    assert {path.stem for path in (Path(__file__).parent / "named").iterdir()} == set(ASSIGNMENTS)
