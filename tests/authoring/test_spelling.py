"""What reads as a marker is told from what is prose."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from autograder.authoring.fault import AuthoringError
from autograder.authoring.lesson import parse_lesson, read_lesson
from autograder.authoring.markers import lint
from autograder.authoring.spelling import KINDS, meant_marker

ROOT = Path(__file__).parents[2]

MEANT = {
    "### BEGIN SOLUTON": "BEGIN SOLUTION",
    "###BEGIN SOLUTOIN": "BEGIN SOLUTION",
    "#begin solution": "BEGIN SOLUTION",
    "#### Begin solution": "BEGIN SOLUTION",
    "BEGIN  SOLUTION": "BEGIN SOLUTION",
    "BEGINSOLUTION": "BEGIN SOLUTION",
    "BeginSolution": "BEGIN SOLUTION",
    "### B E G I N  S O L U T I O N": "BEGIN SOLUTION",
    "### BGN SOLUTION": "BEGIN SOLUTION",
    "### BEGIN SOLU TION": "BEGIN SOLUTION",
    "### BEGIN SOLN": "BEGIN SOLUTION",
    "### BEGIN SÓLUTION": "BEGIN SOLUTION",
    "### ΒΕGΙΝ SΟLUΤΙΟΝ": "BEGIN SOLUTION",
    "### BEG1N SO1UTION": "BEGIN SOLUTION",
    "♯♯♯ begin solution (short)": "BEGIN SOLUTION",
    "# Begin Solution of the first part": "BEGIN SOLUTION",
    "x = 1  # BEGIN SOLUTON": "BEGIN SOLUTION",
    '"### BEGIN SOLUTON"': "BEGIN SOLUTION",
    "### END SOLUTIONN": "END SOLUTION",
    "### FINISH SOLUTION": "END SOLUTION",
    "### SOLUTION END": "END SOLUTION",
    "### END-SOLUTION": "END SOLUTION",
    "## end solution.": "END SOLUTION",
    "### BEGIN HIDDEN TEST": "BEGIN HIDDEN TESTS",
    "### BEGIN HIDEN TETS": "BEGIN HIDDEN TESTS",
    "### END HIDDENTESTS": "END HIDDEN TESTS",
    "### HIDDEN TESTS BEGIN": "BEGIN HIDDEN TESTS",
    "### BEGIN MARKSCHEME": "BEGIN MARK SCHEME",
    "### END MARKING SCHEME": "END MARK SCHEME",
}

PROSE = (
    "",
    "---",
    "1. Begin with the solution of the linear system.",
    "We begin: solutions of this kind are unique.",
    "In the end, solutions that share one heat map are averaged.",
    "At the end solution and reference agree to 1e-6.",
    "the fits start, solutions follow",
    "### Problem and solution",
    "and solutions",
    "### AND SOLUTIONS",
    "### Find solutions",
    "## High-resolution maps",
    "### End of resolution",
    "START RESOLUTION 64, END RESOLUTION 8",
    "### Solution",
    "### Solutions of the equation",
    "## Hidden tests",
    "Hidden tests begin where visible ones end.",
    "The marking scheme is in the syllabus.",
    "the end of the convolution",
    "### Deconvolution ends here",
    "This is the beginning of a solution that ends nowhere.",
    "BEGIN with the left column; the SOLUTION follows.",
    "### Step solution by solution",
    "SEND SOLUTIONS to the address below.",
    "The words `START`, `FINISH`, `ANSWER` are reserved.",
    "`begin` and `end` are indices, `solution` is a tensor.",
)

CODE = (
    "end_solution = solve(a, b)",
    "start_solution()",
    "return end_solution",
    "begin, end = 0, len(solution)",
    "solution = torch.linalg.solve(a, b)",
    "    solution,",
    "# hidden tests live with the judge",
    "# solution of the normal equations",
    "# begin at the left end; the solution is the mean",
    "def test_hidden(tests): ...",
    "schemes = mark(schemes)",
)


@pytest.mark.parametrize("line", MEANT)
def test_misspelt_markers_are_recognised(line):
    assert meant_marker(line, code=True) == MEANT[line]
    assert meant_marker(f"    {line}  ", code=True) == MEANT[line]


@pytest.mark.parametrize("line", PROSE)
def test_prose_is_no_marker(line):
    assert meant_marker(line, code=False) is None


@pytest.mark.parametrize("line", CODE)
def test_code_is_no_marker(line):
    assert meant_marker(line, code=True) is None


def test_a_missing_verb_counts_in_code_only():
    assert meant_marker("### SOLUTION", code=True) == "BEGIN or END SOLUTION"
    assert meant_marker("# HIDDEN TESTS", code=True) == "BEGIN or END HIDDEN TESTS"
    assert meant_marker("### SOLUTION", code=False) is None


def test_a_line_of_nothing_else_counts_in_markdown():
    assert meant_marker("<!-- begin solution -->", code=False) == "BEGIN SOLUTION"
    assert meant_marker("**End solution.**", code=False) == "END SOLUTION"


def test_the_projects_own_prose_is_no_marker():
    # every line of real text: documentation, and the teaching text of the assignments there are, less its true markers.
    lines = [
        line for path in ROOT.glob("docs/*.md") if path.name != "authoring.md" for line in path.read_text(encoding="utf-8").split("\n")
    ]
    for path in ROOT.glob("assignments/*/lessons/*.py"):
        lines += [line.removeprefix("# ") for line in path.read_text(encoding="utf-8").split("\n") if line.startswith("# ")]
    assert len(lines) > 50
    markers = {f"### {side} {kind}" for side in ("BEGIN", "END") for kind in KINDS}
    # a page shows markers as they stand in a lesson: indented in code, commented in text.
    assert [line for line in lines if line.strip().removeprefix("# ") not in markers and meant_marker(line, code=False)] == []


def corrupted(marker: str, chance: random.Random) -> str:
    """One or two slips of the keyboard, anywhere in the words."""
    text = marker
    for _ in range(chance.choice((1, 2))):
        at = chance.randrange(4, len(text))
        letter = chance.choice(string.ascii_uppercase)
        slip = chance.choice(("drop", "add", "replace", "swap", "lower"))
        if slip == "drop":
            text = text[:at] + text[at + 1 :]
        elif slip == "add":
            text = text[:at] + letter + text[at:]
        elif slip == "replace":
            text = text[:at] + letter + text[at + 1 :]
        elif slip == "swap":
            text = text[: at - 1] + text[at : at + 1] + text[at - 1 : at] + text[at + 1 :]
        else:
            text = text[:at] + text[at:].lower()
    return text


@pytest.mark.parametrize("marker", ["### BEGIN SOLUTION", "### END SOLUTION", "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"])
def test_no_slip_in_one_marker_passes(marker):
    # spelling and pairing together: what the first does not recognise leaves the other marker alone, which the second refuses.
    if "SOLUTION" in marker:
        head, body = (
            '# %% exercise="mini.centre"',
            "def centre(rows):\n    ### BEGIN SOLUTION\n    rows = rows - 1\n    ### END SOLUTION\n    return rows",
        )
    else:
        head, body = '# %% test="mini.centre" points=1', "assert True\n### BEGIN HIDDEN TESTS\nassert secret\n### END HIDDEN TESTS"
    chance = random.Random(7)
    tried = 0
    for _ in range(400):
        wrong = corrupted(marker, chance)
        if wrong == marker:
            continue
        tried += 1
        lesson = parse_lesson(f"# %% [markdown]\n# # Title\n\n{head}\n{body.replace(marker, wrong)}\n", "slip")
        assert lint(lesson.cells[1], lesson.place), wrong
    assert tried > 300
    sound = parse_lesson(f"# %% [markdown]\n# # Title\n\n{head}\n{body}\n", "slip")
    assert lint(sound.cells[1], sound.place) == []


def test_a_fault_reads_as_one_sentence(tmp_path):
    path = tmp_path / "one.py"
    path.write_text("# %% [markdown]\n# # Title\n\n# %%\nx = 1  # BEGIN SOLUTON\n", encoding="utf-8")
    with pytest.raises(AuthoringError) as caught:
        read_lesson(path)
    assert str(caught.value) == (
        "lessons/one.py:5: 'x = 1  # BEGIN SOLUTON': nbgrader does not know this spelling of a marker and would hand what it should hide"
        " to the students; write ### BEGIN SOLUTION alone on its line, or other words if no marker is meant"
    )
