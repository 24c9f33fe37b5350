"""The lessons of every assignment: solutions rest on the setup cell alone, and what the text promises is what is asked."""

import re
import tomllib

import pytest
from course_assignments import ASSIGNMENTS, EXERCISES, owner

from autograder.authoring.cell import Role
from autograder.authoring.markers import removed_lines
from autograder.authoring.rules import read_lessons

LINES_MAX, KERNEL_LINES_MAX = 25, 40
LESSONS = {name: read_lessons(assignment) for name, assignment in ASSIGNMENTS.items()}
every_lesson = pytest.mark.parametrize(
    ("assignment", "lesson"),
    [pytest.param(ASSIGNMENTS[name], lesson, id=f"{name}/{lesson.name}") for name, lessons in LESSONS.items() for lesson in lessons],
)
every_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS.values(), ids=ASSIGNMENTS)
every_exercise = pytest.mark.parametrize("name", EXERCISES)


def lesson_of(name):
    (lesson,) = [lesson for lesson in LESSONS[owner(name).name] if name in lesson.exercises]
    return lesson


@every_assignment
@pytest.mark.parametrize("kind", ["accepted", "mutants"])
def test_every_exercise_has_a_folder_of_answers_and_no_folder_lacks_one(assignment, kind):
    folders = sorted(path.name for path in (assignment.folder / kind).iterdir() if path.is_dir())
    assert folders == sorted(exercise.file_stem for exercise in assignment.exercises.values())


@every_exercise
def test_a_heading_gives_the_points_of_the_exercise(name):
    exercise = EXERCISES[name]
    points = f"({exercise.points_total:g} {'bonus ' if exercise.bonus else ''}points)"
    lines = "\n".join(cell.source for cell in lesson_of(name).cells).split("\n")
    headings = [line for line in lines if line.startswith("##") and points in line]
    assert [line for line in headings if exercise.bonus or exercise.symbol in line], f"no heading gives {name} {points}"


@every_assignment
def test_points_that_notebooks_promise_are_those_that_are_asked(assignment):
    total = 0.0
    for lesson in LESSONS[assignment.name]:
        exercises = [assignment.exercises[name] for name in lesson.exercises]
        core = sum(exercise.points_total for exercise in exercises if not exercise.bonus)
        bonus = sum(exercise.points_total for exercise in exercises if exercise.bonus)
        questions = sum(cell.points for cell in lesson.cells if cell.role is Role.QUESTION)
        told = lesson.cells[0].source
        assert re.search(rf"\b{core + questions:g} points", told) or core + questions == 0, f"{lesson.place}: {core + questions:g} points"
        assert f"{bonus:g} bonus points" in told or not bonus, f"{lesson.place}: {bonus:g} bonus points"
        total += core + questions
    table = tomllib.loads((assignment.folder / "assignment.toml").read_text(encoding="utf-8"))
    assert table["points_total"] == total


@every_assignment
def test_hidden_cases_ask_for_views(assignment):
    layouts = {case.layout for exercise in assignment.exercises.values() for case in exercise.cases() if hasattr(case, "layout")}
    assert {"strided", "transposed"} <= layouts


@every_lesson
def test_what_hidden_cases_ask_of_every_exercise_stands_in_the_conventions(assignment, lesson):
    (conventions,) = [cell.source for cell in lesson.cells if cell.is_markdown and "## Conventions" in cell.source]
    for word in ("dtype", "float64", "inputs", "random generators", "empty (B = 0)", "not contiguous"):
        assert word in conventions, f"{lesson.place}: the conventions do not speak of {word}"


@every_lesson
def test_notebook_has_a_question_with_model_answer_and_rubric(assignment, lesson):
    (question,) = [cell for cell in lesson.cells if cell.role is Role.QUESTION]
    hidden = "\n".join(line for _, line in removed_lines(question.source))
    assert "**Rubric**" in hidden and len(hidden) > 500


@every_exercise
def test_solution_needs_the_setup_cell_alone_and_earns_every_point(judged, tmp_path, name):
    lesson, exercise = lesson_of(name), EXERCISES[name]
    path = tmp_path / f"solution_{exercise.file_stem}.py"
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.solution_source(name)}\n", encoding="utf-8")
    record, score = judged(exercise, path)
    assert score.earned == exercise.points_total, [(case.name, case.text) for case in record.cases if case.text]


@every_exercise
def test_stub_earns_nothing(judged, tmp_path, name):
    lesson, exercise = lesson_of(name), EXERCISES[name]
    path = tmp_path / f"stub_{exercise.file_stem}.py"
    path.write_text(f"{lesson.setup_source}\n\n\n{lesson.stub_source(name)}\n", encoding="utf-8")
    _, score = judged(exercise, path)
    assert score.earned == 0 and str(score.verdict) == "NOT_ATTEMPTED"


@every_lesson
def test_cells_are_short(assignment, lesson):
    for cell in lesson.cells:
        lines = len(cell.source.split("\n"))
        allowed = KERNEL_LINES_MAX if (cell.name or "").endswith("_kernel") or cell.role is Role.SETUP else LINES_MAX
        assert cell.is_markdown or lines <= allowed, f"{lesson.place}:{cell.line} has {lines} lines"


@every_assignment
def test_due_date_has_a_time_zone(assignment):
    assert assignment.due is not None and assignment.due.utcoffset() is not None
