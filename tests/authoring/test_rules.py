"""Contradictions between lessons and exercises: each refused, each with its place and remedy."""

from __future__ import annotations

import pytest

from autograder.authoring.fault import AuthoringError
from autograder.authoring.rules import read_lessons

VECTORS = "lessons/mini_vectors.py"
MORE = "lessons/mini_more.py"
CHECK_CENTRE = '# %% check="mini.centre"\ncheck("mini.centre", centre)\n'
EXERCISE_NORM = '# %% exercise="mini.norm"'


def test_the_small_assignment_is_sound(mini):
    assert [lesson.name for lesson in read_lessons(mini)] == ["mini_vectors", "mini_more"]


@pytest.mark.parametrize(
    ("file", "replacements", "message"),
    [
        (
            VECTORS,
            [(CHECK_CENTRE, "")],
            r"'mini\.centre': this exercise has no check in its lesson; add a cell '# %% check=\"mini\.centre\"'",
        ),
        (
            MORE,
            [('check="mini.clip"\ncheck("mini.clip", clip)', 'check="mini.norm"\ncheck("mini.norm", norm)')],
            "this check has no exercise in its lesson",
        ),
        (
            VECTORS,
            [(EXERCISE_NORM, '# %% exercise="mini.length"')],
            r"aX_mini has no exercise of this name; the names are: mini\.centre, mini\.norm, mini\.clip",
        ),
        (
            VECTORS,
            [('# %% check="mini.norm"', '# %% check="mini.nrm"')],
            r"lessons/mini_vectors\.py:\d+: 'mini\.nrm': aX_mini has no exercise",
        ),
        (
            MORE,
            [('# %% exercise="mini.clip"', EXERCISE_NORM)],
            r"exercise 'mini\.norm' stands twice, first at lessons/mini_vectors\.py:\d+",
        ),
        (VECTORS, [("# %%\nnorm(rows)", CHECK_CENTRE)], r"check 'mini\.centre' stands twice"),
        (
            VECTORS,
            [(CHECK_CENTRE, ""), ("# %% [markdown]\n# ## Centre", CHECK_CENTRE + "\n# %% [markdown]\n# ## Centre")],
            "this check stands above its exercise",
        ),
        (
            "assignment.toml",
            [("points_total = 12", "points_total = 10")],
            "points_total is 10, but core exercises give 7 and questions and tests 5, together 12",
        ),
        (VECTORS, [("points=3", "points=4")], "write points_total = 13, or change the points"),
        (
            "assignment.toml",
            [('"mini_vectors", "mini_more"', '"mini_vectors", "mini_lost", "mini_more"')],
            r"mini_lost\.py is missing; write it",
        ),
        (
            "assignment.toml",
            [('"mini_vectors", "mini_more"', '"mini_vectors"')],
            r"lessons/mini_more\.py: no notebook of this name in assignment\.toml",
        ),
        (
            VECTORS,
            [('check("mini.centre", centre)\n', 'check("mini.centre", centre)\nprint("hint")\n')],
            "a check cell holds one call and nothing else",
        ),
        (VECTORS, [('check("mini.centre", centre)\n', 'check("mini.centre", centre(rows))\n')], r'write check\("mini\.centre", centre\)'),
        (VECTORS, [('check("mini.centre", centre)\n', 'check("mini.norm", centre)\n')], "a check cell holds one call"),
        (VECTORS, [('check("mini.centre", centre)\n', "# check later\n")], "a check cell holds one call"),
        (VECTORS, [('check("mini.centre", centre)\n', "check(\n")], "a check cell holds one call"),
        (VECTORS, [("def centre(rows)", "def center(rows)")], "its solution does not define 'centre', the symbol of the exercise"),
        (VECTORS, [("    ### BEGIN SOLUTION\n    means", "### BEGIN SOLUTION\n    means")], "its stub raises as soon as the cell runs"),
        (
            VECTORS,
            [("    ### BEGIN SOLUTION\n    means", "        ### BEGIN SOLUTION\n    means")],
            "its stub is not plain Python: unexpected indent",
        ),
        (VECTORS, [("    means = rows", "      means = rows")], "its solution is not plain Python"),
        (VECTORS, [("import torch\n", "# %matplotlib inline\nimport torch\n")], "a setup cell is plain Python"),
        (
            VECTORS,
            [("import torch\n", "import autograder.exercise.case\nimport torch\n")],
            r"imports \['autograder'\], which students do not have",
        ),
        (VECTORS, [("figures/rows.png", "figures/columns.png")], r"picture 'figures/columns\.png' is not there"),
        (
            VECTORS,
            [('# %% check="mini.centre"', '# %% tags=["raises-exception"] check="mini.centre"')],
            "may not be tagged raises-exception",
        ),
        (
            VECTORS,
            [
                ('# %% answer="mini.double"\ndef double', "# %%\ndef double"),
                ("    ### BEGIN SOLUTION\n    return rows + rows  # twice as long\n    ### END SOLUTION", "    return rows"),
            ],
            "this test has no answer in its lesson",
        ),
    ],
)
def test_contradictions_are_refused(file, replacements, message, spoilt):
    assignment = spoilt(file, *replacements)
    with pytest.raises(AuthoringError, match=message):
        read_lessons(assignment)


def test_an_exercise_that_is_taught_nowhere(spoilt):
    spoilt("assignment.toml", ('"mini_vectors", "mini_more"', '"mini_vectors"'))
    assignment = spoilt(MORE, ("", ""))
    (assignment.folder / MORE).unlink()
    with pytest.raises(AuthoringError, match=r"exercises: 'mini\.clip': no lesson has this exercise; add a cell"):
        read_lessons(assignment)


def test_all_contradictions_are_told_at_once(spoilt):
    spoilt("assignment.toml", ("points_total = 12", "points_total = 10"))
    assignment = spoilt(VECTORS, (CHECK_CENTRE, ""))
    with pytest.raises(AuthoringError) as caught:
        read_lessons(assignment)
    assert len(caught.value.faults) == 2


def test_extras_of_a_check_go_by_name(spoilt):
    assignment = spoilt(
        VECTORS,
        ('check("mini.norm", norm)', 'check("mini.norm", norm, grid=grid)'),
        ("def norm(rows):", "def grid(n):\n    return n\n\n\ndef norm(rows):"),
    )
    assert read_lessons(assignment)
