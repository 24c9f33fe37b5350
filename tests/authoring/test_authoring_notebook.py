from __future__ import annotations

import dataclasses
import re

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from autograder.authoring.course import Course
from autograder.authoring.lesson import parse_lesson
from autograder.authoring.notebook import make_notebook, write_notebook
from autograder.authoring.rules import read_lessons
from autograder.exercise.grade_ids import exercise_of, role_of

ELSEWHERE = Course("Vislab", "vislab", "https://www.example.edu/vislab")


@pytest.fixture
def notebook(mini, course):
    return make_notebook(read_lessons(mini)[0], mini, course)


def grading(notebook) -> dict[str, dict]:
    return {cell.metadata.nbgrader.grade_id: dict(cell.metadata.nbgrader) for cell in notebook.cells if "nbgrader" in cell.metadata}


def test_nbgrader_and_nbformat_accept_it(notebook):
    MetadataValidator().validate_nb(notebook)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)


def test_every_role_has_its_grading_metadata(notebook):
    cells = grading(notebook)
    assert list(cells) == [
        "solution-mini-centre",
        "check-mini-centre",
        "question-mini-q_shift",
        "solution-mini-norm",
        "check-mini-norm",
        "answer-mini-double",
        "test-mini-double",
    ]

    def flags(name: str) -> tuple:
        cell = cells[name]
        return cell["grade"], cell["solution"], cell["locked"], cell.get("points")

    assert flags("solution-mini-centre") == (False, True, False, None)
    assert flags("check-mini-centre") == (True, False, True, 4)
    assert flags("question-mini-q_shift") == (True, True, False, 3)
    assert flags("answer-mini-double") == (False, True, False, None)
    assert flags("test-mini-double") == (True, False, True, 2)
    assert {cell["schema_version"] for cell in cells.values()} == {3}
    assert not any(cell["task"] for cell in cells.values())


def test_grade_ids_lead_back_to_the_names(notebook):
    told = {name: (role_of(name), exercise_of(name)) for name in grading(notebook)}
    assert told["solution-mini-centre"] == ("solution", "mini.centre")
    assert told["check-mini-centre"] == ("check", "mini.centre")
    assert told["question-mini-q_shift"] == ("question", "mini.q_shift")
    # plain nbgrader cells are none of the judge's business.
    assert told["answer-mini-double"] == told["test-mini-double"] == (None, None)


def test_a_bonus_exercise_is_worth_nothing_in_nbgrader(mini, course):
    cells = grading(make_notebook(read_lessons(mini)[1], mini, course))
    assert cells["check-mini-clip"]["points"] == 0


def test_the_maximum_is_the_assignments(mini, course):
    notebooks = [make_notebook(lesson, mini, course) for lesson in read_lessons(mini)]
    assert sum(cell.get("points", 0) for notebook in notebooks for cell in grading(notebook).values()) == mini.points_total


def test_names_survive_beside_the_ids(notebook):
    named = [dict(cell.metadata.vislab) for cell in notebook.cells if "vislab" in cell.metadata]
    assert {"exercise": "mini.centre"} in named
    assert {"check": "mini.centre"} in named
    assert {"question": "mini.q_shift"} in named
    assert {"setup": True} in named
    assert {"bootstrap": True} in named
    assert notebook.metadata.vislab == {"assignment": "aX_mini", "notebook": "mini_vectors"}


def test_teaching_cells_stay_free(notebook):
    free = [cell for cell in notebook.cells if "nbgrader" not in cell.metadata]
    assert len(free) == len(notebook.cells) - 7
    assert all("editable" not in cell.metadata and "deletable" not in cell.metadata for cell in free)


def test_badge_title_and_bootstrap_come_first(notebook):
    badge, title, bootstrap = notebook.cells[:3]
    assert "blob/main/release/aX_mini/mini_vectors.ipynb" in badge.source
    assert "releases/latest/download/aX_mini.zip" in badge.source
    assert title.source.startswith("# Rows of numbers")
    assert bootstrap.cell_type == "code"


def test_off_github_the_badge_is_a_download_link(mini):
    notebook = make_notebook(read_lessons(mini)[0], mini, ELSEWHERE)
    assert notebook.cells[0].source == "[Download the whole assignment](https://www.example.edu/vislab/aX_mini.zip)"
    assert "](figures/rows.png)" in notebook.cells[4].source
    assert "github" not in write_notebook(notebook)


def test_pictures_link_to_their_place_on_the_web(notebook):
    picture = "[![Three rows before and after](figures/rows.png)](https://github.com/vislab-course/vislab/blob/main/release/aX_mini/figures/rows.png)"
    assert picture in notebook.cells[4].source


def test_ids_are_valid_unique_and_told_by_name(mini, course):
    ids = [cell.id for lesson in read_lessons(mini) for cell in make_notebook(lesson, mini, course).cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity) for identity in ids)
    assert "mini_vectors-check-mini-centre" in ids


def test_long_names_and_equal_texts_still_have_ids(mini, course):
    same = "\n\n# %%\nprint(1)\n"
    stem = "a_lesson_with_quite_a_long_name_for_a_file"
    text = f'# %% [markdown]\n# # Title\n\n# %% [markdown] question="a.{"q" * 70}" points=1\n# x\n{same}{same}{same}'
    ids = [cell.id for cell in make_notebook(parse_lesson(text, stem), mini, course).cells]
    assert len(set(ids)) == len(ids) == 7
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity) for identity in ids)


def test_a_new_cell_leaves_the_other_ids(mini, course):
    lesson = read_lessons(mini)[0]
    extra = parse_lesson("# %% [markdown]\n# # T\n\n# %%\nprint('new')\n", "x").cells[1]
    longer = dataclasses.replace(lesson, cells=(lesson.cells[0], extra, *lesson.cells[1:]))
    before = {cell.id for cell in make_notebook(lesson, mini, course).cells}
    after = {cell.id for cell in make_notebook(longer, mini, course).cells}
    assert len(after - before) == 1
    assert before <= after


def test_two_builds_are_equal_and_name_no_python(mini, course):
    lesson = read_lessons(mini)[0]
    text = write_notebook(make_notebook(lesson, mini, course))
    assert text == write_notebook(make_notebook(lesson, mini, course))
    assert set(nbformat.reads(text, 4).metadata.language_info) >= {"name", "file_extension"}
    assert "version" not in nbformat.reads(text, 4).metadata.language_info
    assert "jupytext" not in text


def test_exempt_cells_carry_nbvals_tag(notebook):
    tagged = [cell.source for cell in notebook.cells if "nbval-ignore-output" in cell.metadata.get("tags", [])]
    assert tagged == ["print(object())"]


def test_an_overview_comes_last_where_there_is_something_to_look_over(notebook, mini, course):
    last = notebook.cells[-1]
    assert last.metadata == {"vislab": {"progress": True}} and last.source.endswith(f"progress('{notebook.metadata.vislab.notebook}')")
    assert last.id == f"{notebook.metadata.vislab.notebook}-progress"
    lesson = dataclasses.replace(read_lessons(mini)[0], cells=read_lessons(mini)[0].cells[:1])
    assert not lesson.exercises and "progress" not in make_notebook(lesson, mini, course).cells[-1].id
