"""Every marker fault is one that nbgrader leaks or breaks on, and one that the builder refuses, naming line, rule and remedy."""

from __future__ import annotations

import copy
import logging
from pathlib import Path

import pytest
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions

from autograder.authoring.fault import AuthoringError
from autograder.authoring.lesson import parse_lesson, read_lesson
from autograder.authoring.notebook import make_notebook

FAULTS = Path(__file__).parent / "faults"
SECRET = "secret_answer"

UNKNOWN = "does not know this spelling"
SEEN = "takes this whole line for a marker"
UNBEGUN = "ends a region that nothing began"
UNENDED = "has no end in its cell"
MISPLACED = "has no place in this cell"
# fault -> (text of the line that is named, part of the rule, part of the remedy)
EXPECTED = {
    "begin_and_end_on_one_line": ("### BEGIN SOLUTION ### END SOLUTION", SEEN, "alone on its line"),
    "begin_solution_digit_for_letter": ("### BEGIN S0LUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_full_width": ("### ＢＥＧＩＮ ＳＯＬＵＴＩＯＮ", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_homoglyph": ("### BEGIN SОLUTIОN", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_hyphen": ("### BEGIN-SOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_joined": ("### BEGINSOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_lower_case": ("### begin solution", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_missing": ("### END SOLUTION", UNBEGUN, "write ### BEGIN SOLUTION above"),
    "begin_solution_misspelt": ("### BEGIN SOLUTON", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_nested": ("### BEGIN SOLUTION", "inside the SOLUTION region of line 9", "### END SOLUTION"),
    "begin_solution_no_break_space": ("### BEGIN\u00a0SOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_one_hash_misspelt": ("# BEGIN SOLUTON", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_other_noun": ("### BEGIN ANSWER", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_other_verb": ("### START SOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_reversed": ("### SOLUTION BEGIN", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_swapped_letters": ("### BEIGN SOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_tab": ("### BEGIN\tSOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_title_case": ("### Begin Solution", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_trailing_words_misspelt": ("### Begin solution: the mean of each row", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_two_spaces": ("### BEGIN  SOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_underscore": ("### BEGIN_SOLUTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "begin_solution_without_verb": ("### SOLUTION", UNKNOWN, "write ### BEGIN or END SOLUTION"),
    "begin_solution_zero_width": ("### BEGIN SOLU\u200bTION", UNKNOWN, "write ### BEGIN SOLUTION"),
    "end_solution_in_string": ('print("END SOLUTION")', SEEN, "other words"),
    "end_solution_lower_case": ("### end solution", UNKNOWN, "write ### END SOLUTION"),
    "end_solution_missing": ("### BEGIN SOLUTION", UNENDED, "write ### END SOLUTION"),
    "end_solution_misspelt": ("### END SOLUTIN", UNKNOWN, "write ### END SOLUTION"),
    "end_solution_too_early": ("### END SOLUTION", UNBEGUN, "write ### BEGIN SOLUTION above"),
    "hidden_tests_begin_missing": ("### END HIDDEN TESTS", UNBEGUN, "write ### BEGIN HIDDEN TESTS above"),
    "hidden_tests_end_missing": ("### BEGIN HIDDEN TESTS", UNENDED, "write ### END HIDDEN TESTS"),
    "hidden_tests_homoglyph": ("### BEGIN HIDDEN ТESTS", UNKNOWN, "write ### BEGIN HIDDEN TESTS"),
    "hidden_tests_in_exercise_cell": ("### BEGIN HIDDEN TESTS", MISPLACED, "a cell with test="),
    "hidden_tests_joined": ("### BEGIN HIDDENTESTS", UNKNOWN, "write ### BEGIN HIDDEN TESTS"),
    "hidden_tests_lower_case": ("### begin hidden tests", UNKNOWN, "write ### BEGIN HIDDEN TESTS"),
    "hidden_tests_misspelt": ("### BEGIN HIDEN TESTS", UNKNOWN, "write ### BEGIN HIDDEN TESTS"),
    "hidden_tests_nested": ("### BEGIN HIDDEN TESTS", "inside the HIDDEN TESTS region", "### END HIDDEN TESTS"),
    "hidden_tests_singular": ("### BEGIN HIDDEN TEST", UNKNOWN, "write ### BEGIN HIDDEN TESTS"),
    "hidden_tests_without_verb": ("### HIDDEN TESTS", UNKNOWN, "write ### BEGIN or END HIDDEN TESTS"),
    "mark_scheme_in_question": ("### BEGIN MARK SCHEME", MISPLACED, "between ### BEGIN SOLUTION and ### END SOLUTION"),
    "mark_scheme_misspelt": ("### BEGIN MARKING SCHEME", UNKNOWN, "between ### BEGIN SOLUTION and ### END SOLUTION"),
    "marker_in_string": ("### END SOLUTION", "stands in a string", "move it out of the string"),
    "marker_in_teaching_prose": ("Write your code between `### BEGIN SOLUTION` and `### END SOLUTION`.", SEEN, "other words"),
    "question_misspelt": ("### BEGIN SOLUTOIN", UNKNOWN, "write ### BEGIN SOLUTION"),
    "regions_overlap": ("### BEGIN HIDDEN TESTS", "inside the SOLUTION region", "with ### END SOLUTION"),
    "solution_in_check_cell": ("### BEGIN SOLUTION", MISPLACED, "a cell with exercise="),
    "solution_in_plain_cell": ("### BEGIN SOLUTION", MISPLACED, "a cell with exercise="),
    "solution_in_teaching_text": ("### BEGIN SOLUTION", MISPLACED, "question="),
    "solution_region_empty": ("### END SOLUTION", "is empty", "between its two markers"),
}

# Spellings that nbgrader takes as they are meant, today: the house has one spelling, so that a reader need not know them.
LAX = ("## BEGIN SOLUTION", "#### BEGIN SOLUTION", "BEGIN SOLUTION", "###BEGIN SOLUTION", "### BEGIN SOLUTIONS", "### BEGIN SOLUTION here")


def through_nbgrader(notebook: NotebookNode) -> str:
    """What students would read if nothing but nbgrader stood between them and the lesson."""
    notebook = copy.deepcopy(notebook)
    quiet = logging.Logger("quiet", level=logging.CRITICAL)
    for clear in (ClearSolutions, ClearHiddenTests, ClearMarkScheme):
        notebook, _ = clear(log=quiet).preprocess(notebook, {})
    return "\n".join(cell.source for cell in notebook.cells)


def test_every_fault_is_listed():
    assert {path.stem for path in FAULTS.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_nbgrader_alone_leaks_or_breaks(name, mini, course):
    lesson = parse_lesson((FAULTS / f"{name}.py").read_text(encoding="utf-8"), name)
    naive = make_notebook(lesson, mini, course)
    try:
        released = through_nbgrader(naive)
    except RuntimeError:
        return
    assert SECRET in released


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_builder_refuses(name):
    text, rule, remedy = EXPECTED[name]
    path = FAULTS / f"{name}.py"
    with pytest.raises(AuthoringError) as caught:
        read_lesson(path)
    fault = next(fault for fault in caught.value.faults if fault.text == text and rule in fault.rule)
    assert remedy in fault.remedy
    assert path.read_text(encoding="utf-8").split("\n")[fault.line - 1].removeprefix("# ").strip() in (text, text.removeprefix("# "))
    assert f"lessons/{name}.py:{fault.line}: " in str(caught.value)


def test_sound_lessons_pass_and_nbgrader_hides_their_secrets(mini, course):
    # the control of both tests above: they do not hold for every lesson.
    lesson = read_lesson(mini.folder / "lessons" / "mini_vectors.py")
    released = through_nbgrader(make_notebook(lesson, mini, course))
    assert "return rows - means" not in released
    assert "2.25" not in released
    assert "It becomes zero" not in released
    assert "### BEGIN" not in released


@pytest.mark.parametrize("spelling", LAX)
def test_lax_spellings_are_refused_although_nbgrader_copes(spelling, mini, course, tmp_path):
    path = tmp_path / "lax.py"
    text = (FAULTS / "begin_solution_misspelt.py").read_text(encoding="utf-8")
    if spelling.startswith("#"):
        path.write_text(text.replace("### BEGIN SOLUTON", spelling), encoding="utf-8")
    else:
        path.write_text(text.replace("### BEGIN SOLUTON", f'"{spelling}"'), encoding="utf-8")
    assert SECRET not in through_nbgrader(make_notebook(parse_lesson(path.read_text(encoding="utf-8"), "lax"), mini, course))
    with pytest.raises(AuthoringError, match="takes this whole line for a marker; write ### BEGIN SOLUTION alone on its line"):
        read_lesson(path)
