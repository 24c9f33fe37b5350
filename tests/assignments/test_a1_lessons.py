"""The lessons of assignment 1: solutions rest on the setup cell alone, and what the text promises is what is asked."""

import re
import tomllib
from pathlib import Path

import pytest

from autograder.authoring.cell import Role
from autograder.authoring.markers import removed_lines

LINES_MAX, KERNEL_LINES_MAX = 25, 40
FOLDER = Path(__file__).resolve().parents[2] / "assignments" / "a1_pose"
# every exercise of the assignment has answers that must keep their marks, so the folders name them all; a test below makes sure of it.
NAMES = sorted(path.name for path in (FOLDER / "accepted").iterdir() if path.is_dir())


def shown_text(lesson):
    return "\n".join(cell.source for cell in lesson.cells)


def test_every_exercise_has_accepted_answers_and_mutants(a1):
    assert sorted(f"pose.{name}" for name in NAMES) == sorted(a1.exercises)
    assert sorted(f"pose.{path.name}" for path in (FOLDER / "mutants").iterdir() if path.is_dir()) == sorted(a1.exercises)


def test_points_of_the_text_are_the_points_of_the_exercises(a1, lessons):
    shown = "\n".join(shown_text(lesson) for lesson in lessons.values())
    for exercise in a1.exercises.values():
        points = f"({exercise.points_total:g} {'bonus ' if exercise.bonus else ''}points)"
        headings = [line for line in shown.split("\n") if line.startswith("##") and points in line]
        assert [line for line in headings if exercise.bonus or exercise.symbol in line], f"no heading gives {exercise.name} {points}"
    total = 0.0
    for lesson in lessons.values():
        core = sum(a1.exercises[name].points_total for name in lesson.exercises if not a1.exercises[name].bonus)
        bonus = sum(a1.exercises[name].points_total for name in lesson.exercises if a1.exercises[name].bonus)
        questions = sum(cell.points for cell in lesson.cells if cell.role is Role.QUESTION)
        told = lesson.cells[0].source
        assert re.search(rf"\b{core + questions:g} points", told) or core + questions == 0, f"{lesson.place}: {core + questions:g} points"
        assert f"{bonus:g} bonus points" in told or not bonus, f"{lesson.place}: {bonus:g} bonus points"
        total += core + questions
    table = tomllib.loads((a1.folder / "assignment.toml").read_text(encoding="utf-8"))
    assert table["points_total"] == total


def test_what_hidden_cases_ask_of_every_exercise_stands_in_the_conventions(a1, lessons):
    layouts = {case.layout for exercise in a1.exercises.values() for case in exercise.cases() if hasattr(case, "layout")}
    assert {"strided", "transposed"} <= layouts
    for lesson in lessons.values():
        (conventions,) = [cell.source for cell in lesson.cells if cell.is_markdown and "## Conventions" in cell.source]
        for word in ("dtype", "float64", "inputs", "random generators", "empty (B = 0)", "not contiguous"):
            assert word in conventions, f"{lesson.place}: the conventions do not speak of {word}"


def test_each_notebook_has_a_question_with_model_answer_and_rubric(lessons):
    for lesson in lessons.values():
        (question,) = [cell for cell in lesson.cells if cell.role is Role.QUESTION]
        hidden = "\n".join(line for _, line in removed_lines(question.source))
        assert "**Rubric**" in hidden and len(hidden) > 500


@pytest.mark.parametrize("name", NAMES)
def test_solution_needs_the_setup_cell_alone_and_earns_every_point(a1, lessons, judged, tmp_path, name):
    (lesson,) = [lesson for lesson in lessons.values() if f"pose.{name}" in lesson.exercises]
    path = tmp_path / f"solution_{name}.py"
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.solution_source(f'pose.{name}')}\n", encoding="utf-8")
    exercise = a1.exercises[f"pose.{name}"]
    record, score = judged(exercise, path)
    assert score.earned == exercise.points_total, [(case.name, case.text) for case in record.cases if case.text]


@pytest.mark.parametrize("name", NAMES)
def test_stub_earns_nothing(a1, lessons, judged, tmp_path, name):
    (lesson,) = [lesson for lesson in lessons.values() if f"pose.{name}" in lesson.exercises]
    path = tmp_path / f"stub_{name}.py"
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.stub_source(f'pose.{name}')}\n", encoding="utf-8")
    _, score = judged(a1.exercises[f"pose.{name}"], path)
    assert score.earned == 0 and str(score.verdict) == "NOT_ATTEMPTED"


def test_cells_are_short(lessons):
    for lesson in lessons.values():
        for cell in lesson.cells:
            lines = len(cell.source.split("\n"))
            allowed = KERNEL_LINES_MAX if (cell.name or "").endswith("_kernel") or cell.role is Role.SETUP else LINES_MAX
            assert cell.is_markdown or lines <= allowed, f"{lesson.place}:{cell.line} has {lines} lines"


def test_due_date_has_a_time_zone(a1):
    assert a1.due is not None and a1.due.utcoffset() is not None
