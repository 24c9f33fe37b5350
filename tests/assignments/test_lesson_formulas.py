"""Every formula of every lesson can be set: by the rules that notebooks and their HTML share."""

import re

import pytest
from course_assignments import ASSIGNMENTS
from site_hook import hook

from autograder.authoring.rules import read_lessons

pytest.importorskip("latex2mathml")
LESSONS = [lesson for assignment in ASSIGNMENTS.values() for lesson in read_lessons(assignment)]
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>.+?)\$", re.DOTALL)


@pytest.fixture(scope="module")
def mathml():
    return hook("formulas").mathml


def faults_in(markdown, mathml):
    """What would not be set, or not as it is meant, in a cell of Markdown."""
    prose = CODE.sub("", markdown)
    found = ["an odd number of dollar signs"] if prose.replace("$$", "").count("$") % 2 or prose.count("$$") % 2 else []
    for match in FORMULA.finditer(prose):
        latex = match["block"] or match["inline"]
        try:
            mathml(latex, bool(match["block"]))
        except Exception as error:
            found.append(f"{latex}: {error!r}")
        if prose[: match.start()].rpartition("\n")[2].startswith("|") and "|" in latex:
            found.append(f"{latex}: in a table, | begins the next cell; write \\lvert or \\mid")
        if re.search(r"<[A-Za-z/!]", latex):
            found.append(f"{latex}: a browser takes < before a letter for a tag; write \\lt or a space")
        if match["inline"] and (latex != latex.strip() or "\n\n" in latex):
            found.append(f"{latex!r}: a space inside of the dollar signs keeps them as they are")
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_every_formula_can_be_set(lesson, mathml):
    assert [fault for cell in lesson.cells if cell.is_markdown for fault in faults_in(cell.source, mathml)] == []


def test_lessons_have_formulas():
    assert sum(len(FORMULA.findall(CODE.sub("", cell.source))) for lesson in LESSONS for cell in lesson.cells if cell.is_markdown) > 250


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("costs $3 and", "odd number"),
        (r"$\nosuchcommand{x}$", "nosuchcommand"),
        (r"$\frac{a}{$", "frac"),
        ("| a | $|x|$ |", "in a table"),
        ("$a<b$", "a tag"),
        ("$ a$", "keeps them as they are"),
    ],
)
def test_a_formula_that_cannot_be_set_is_told(markdown, said, mathml):
    (first, *_) = faults_in(markdown, mathml)
    assert said in first


def test_dollars_in_code_are_no_formulas(mathml):
    assert faults_in("`$HOME`\n\n```\necho $PATH\n```\n$a + b$", mathml) == []
