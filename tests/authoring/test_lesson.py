from __future__ import annotations

import ast

import pytest

from autograder.authoring.cell import Role
from autograder.authoring.fault import AuthoringError
from autograder.authoring.lesson import parse_lesson, read_lesson

HEAD = "# %% [markdown]\n# # A title\n# and text\n\n"


def test_roles_options_and_lines(mini):
    lesson = read_lesson(mini.folder / "lessons" / "mini_vectors.py")
    lines = (mini.folder / "lessons" / "mini_vectors.py").read_text(encoding="utf-8").split("\n")
    assert lesson.title == "Rows of numbers"
    assert lesson.exercises == ("mini.centre", "mini.norm")
    assert [cell.role for cell in lesson.cells][:5] == [Role.MARKDOWN, Role.SETUP, Role.MARKDOWN, Role.EXERCISE, Role.CHECK]
    question = lesson.cell(Role.QUESTION, "mini.q_shift")
    assert (question.points, question.is_markdown) == (3, True)
    assert lesson.cell(Role.TEST, "mini.double").points == 2
    assert [cell.exempt for cell in lesson.cells if cell.exempt] == ["prints an object's address"]
    for cell in lesson.cells:
        for offset, text in enumerate(cell.source.split("\n")):
            line = lines[cell.line_of(offset) - 1]
            assert line == text or line.removeprefix("#").strip() == text.strip()


def test_sources_for_the_audit(mini):
    lesson = read_lesson(mini.folder / "lessons" / "mini_vectors.py")
    assert lesson.setup_source.startswith("import torch\n")
    assert lesson.solution_source("mini.centre") == (
        "def centre(rows):\n"
        '    """Subtract each row\'s mean. Shapes: ``[rows, numbers]`` in and out."""\n'
        "    means = rows.mean(dim=-1, keepdim=True)\n"
        "    return rows - means"
    )
    namespace: dict = {}
    exec(lesson.setup_source + "\n" + lesson.stub_source("mini.centre"), namespace)
    with pytest.raises(NotImplementedError):
        namespace["centre"](namespace["rows"])
    exec(lesson.solution_source("mini.centre"), namespace)
    assert namespace["centre"](namespace["rows"]).sum().abs() < 1e-5
    ast.parse(read_lesson(mini.folder / "lessons" / "mini_more.py").stub_source("mini.clip"))
    with pytest.raises(KeyError, match=r"has no cell with exercise='mini.clip'; it has \['mini.centre', 'mini.norm'\]"):
        lesson.solution_source("mini.clip")


def test_magics_strings_and_quoted_markdown_survive():
    text = HEAD + '# %%\n# %matplotlib inline\ns = """\ntext\n"""\n\n# %% [markdown]\n"""\nquoted *text*\n"""\n'
    lesson = parse_lesson(text, "x")
    assert [cell.source for cell in lesson.cells] == ["# A title\nand text", '%matplotlib inline\ns = """\ntext\n"""', "quoted *text*"]
    assert [cell.line for cell in lesson.cells] == [2, 6, 13]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no cell in this text; begin each cell"),
        ("x = 1\n" + HEAD, r"lessons/x\.py:1: 'x = 1': text above the first cell"),
        ("# ---\n# jupyter: {}\n# ---\n\n# prose\n" + HEAD, r"lessons/x\.py:5: '# prose': text above the first cell"),
        ("# %%\nx = 1\n", "a lesson begins with a markdown cell whose first line is its title"),
        ("# %% [markdown]\n# ## Too small a title\n", "a lesson begins with a markdown cell whose first line is its title"),
        (HEAD + '# %%\ns = """\n# %% inside\n"""\n', "3 lines begin with '# %%' but there are 2 cells"),
        (HEAD + '# %% excercise="mini.centre"\nx = 1\n', r"unknown in a cell's line: \['excercise'\]; the options are exercise="),
        (HEAD + "# %% exercise=mini.centre\nx = 1\n", "unknown in a cell's line: .*with values in quotes"),
        (HEAD + '# %% a heading exercise="mini.centre"\nx = 1\n', "headings go into a markdown cell"),
        (HEAD + '# %% exercise="centre"\nx = 1\n', "exercise='centre' must read \"topic.name\""),
        (HEAD + '# %% exercise="a.b" check="a.b"\nx = 1\n', r"one cell plays one part; keep one of \['exercise', 'check'\]"),
        (HEAD + '# %% setup=true check="a.b"\nx = 1\n', r"one cell plays one part; keep one of \['check', 'setup'\]"),
        (HEAD + "# %% setup=1\nx = 1\n", "setup=1 must be true"),
        (HEAD + '# %% question="a.b" points=2\nx = 1\n', "question= cannot stand at a code cell"),
        (HEAD + '# %% [markdown] exercise="a.b"\n# x\n', "exercise= cannot stand at a markdown cell"),
        (HEAD + "# %% [markdown] setup=true\n# x\n", "setup= cannot stand at a markdown cell"),
        (HEAD + '# %% [markdown] question="a.b"\n# x\n', "points=None of a question must be a number above 0"),
        (HEAD + '# %% [markdown] question="a.b" points=0\n# x\n', "points=0 of a question must be a number above 0"),
        (HEAD + '# %% [markdown] question="a.b" points="3"\n# x\n', "points='3' of a question must be a number above 0"),
        (HEAD + '# %% exercise="a.b" points=3\nx = 1\n', "points are given to questions and tests only; an exercise's points stand in"),
        (HEAD + '# %% tags={"a": 1}\nx = 1\n', "jupytext cannot read this text: .* is not of type 'array'; look at"),
        (HEAD + "# %% tags=2\nx = 1\n", "jupytext cannot read this text: .*; look at the cell options; tags, for instance, are a list"),
        (HEAD + "# %% exempt=true\nx = 1\n", "exempt= takes the reason"),
        (HEAD + '# %% [markdown] exempt="prose"\n# x\n', "exempt= takes the reason why a code cell's output is not compared"),
        (HEAD + "# %% [raw]\n# x\n", "a raw cell; write '# %%' for code"),
    ],
)
def test_faulty_cells_are_refused(text, message):
    with pytest.raises(AuthoringError, match=message):
        parse_lesson(text, "x")


def test_all_faults_are_told_at_once_with_their_lines():
    with pytest.raises(AuthoringError) as caught:
        parse_lesson(HEAD + "# %% setup=1\nx = 1\n\n# %% exempt=2\ny = 2\n", "x")
    assert [fault.line for fault in caught.value.faults] == [5, 8]


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(AuthoringError, match="is missing; write it, or take it out of notebooks"):
        read_lesson(tmp_path / "none.py")
    (tmp_path / "latin.py").write_bytes("# %% [markdown]\n# # Größe\n".encode("latin-1"))
    with pytest.raises(AuthoringError, match="is not UTF-8 text"):
        read_lesson(tmp_path / "latin.py")
    with pytest.raises(AuthoringError, match="file name must be letters, digits"):
        parse_lesson(HEAD, "a b")
