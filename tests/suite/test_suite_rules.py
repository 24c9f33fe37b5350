"""What a definition of a test-suite exercise must hold, and that the audit and the builder see a broken one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.audit.assignment_audit import _audit_in_worker
from autograder.authoring.build import build_release, build_source
from autograder.authoring.course import Course
from autograder.authoring.fault import AuthoringError
from autograder.authoring.rules import read_lessons
from autograder.exercise.assignment import Assignment, load_assignment
from autograder.exercise.exercise import ExerciseError
from autograder.exercise.suite import SuiteProbe, Suspect

FOLDER = Path(__file__).parent / "fixtures" / "s1_duo"
COURSE = Course("Vislab", "vislab", "https://github.com/vislab-course/vislab")


@pytest.fixture
def spoil(tmp_path: Path) -> Callable[..., Assignment]:
    def change(file: str, old: str, new: str) -> Assignment:
        folder = tmp_path / "s1_duo"
        if not folder.exists():
            shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
        return load_assignment(folder)

    return change


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('of="duo.centre"', 'of="duo.middle"', "its test is of 'duo.middle', which is no exercise here; the names are: duo.centre"),
        ('of="duo.centre"', 'of="duo.test_centre"', "which is no function; students' tests call functions only"),
        ('mutant="halved"', 'mutant="thirded"', r"mutants/thirded has no file mutants/centre/thirded.py; write it, or name another mutant"),
        ('mutant="halved"', 'mutant="added"', r"mutants \['added'\] are suspected twice"),
        ('Suspect("the mean halved", "value"', 'Suspect("the mean halved", "edge"', "6 suspects of family value; at least 7 are needed"),
        ('probe = SuiteProbe(of="duo.centre", calls_max=16)', "", "is a Suspect; only an exercise with a SuiteProbe has such"),
        (
            'Family.EDGE: 0.5, Family.DTYPE: 0.5}\n    probe',
            'Family.EDGE: 0.5, Family.DTYPE: 0.4, Family.PURITY: 0.1}\n    probe',
            "family purity has points; a test-suite exercise knows value, edge, stability, dtype",
        ),
    ],
)  # fmt: skip
def test_a_broken_definition_is_refused(spoil: Callable[..., Assignment], old: str, new: str, told: str) -> None:
    with pytest.raises(ExerciseError, match=told):
        spoil("exercises/duo.py", old, new)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "name a mutant's file or a spoiler, and not both"),
        ({"mutant": "x", "public": True}, "a public one must have a spoiler; a mutant's file would show the solution"),
        ({"spoiler": ("bent", {})}, "fault 'bent' must be one of reversed, shifted"),
        ({"spoiler": ("shifted", {})}, r"fault 'shifted' takes the options \['by'\], not \[\]"),
        ({"spoiler": ("reversed", {"axis": 0.5})}, "option axis 0.5 must be of type int"),
        ({"mutant": "x", "family": "gradient"}, "family gradient must be one of value, edge, stability, dtype"),
    ],
)
def test_a_broken_suspect_is_refused(options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Suspect(**{"name": "one", "family": "value", **options})


def test_trials_stay_within_bounds() -> None:
    with pytest.raises(ValueError, match="wrong_trials 1 must lie in 2 to 4"):
        SuiteProbe(of="duo.centre", wrong_trials=1)


def test_the_digest_covers_what_tests_run_on(duo: Assignment, spoil: Callable[..., Assignment]) -> None:
    same = spoil("mutants/centre/halved.py", "/ 2", "/ 2")
    assert same.digest == duo.digest
    assert spoil("mutants/centre/halved.py", "/ 2", "/ 3").digest != duo.digest


def test_a_check_that_hands_in_no_solution_is_refused(spoil: Callable[..., Assignment]) -> None:
    with pytest.raises(AuthoringError, match=r'write check\("duo.test_centre", test_centre, right=centre\)'):
        read_lessons(spoil("lessons/duo.py", ", right=centre", ""))


def test_the_audit_is_green() -> None:
    row = _audit_in_worker(str(FOLDER), "duo", "duo.test_centre", 1)
    assert row.faults == [] and (row.mutants_killed, row.accepted_kept, row.solution_full) == (4, 2, True)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("mutants/centre/halved.py", "/ 2", "", "suspect 'the mean halved' passes every value case of duo.centre"),
        ("mutants/centre/contiguous_only.py", "packed -", "rows +", "is of family edge but fails value cases of duo.centre; call it value"),
        ("accepted/centre/by_a_matrix.py", "1 / size", "2 / size", "the right implementation accepted/by_a_matrix fails 'rows 0'"),
        ("accepted/test_centre/by_hand.py", "assert raised", "pass", "accepted test 'by_hand' loses points"),
        ("mutants/test_centre/bits.py", "torch.equal", "torch.allclose", "keeps full points"),
        (
            "lessons/duo.py",
            "    for dtype in (torch.float32, torch.float64):",
            "    for dtype in (torch.float32,):",
            "the lesson's solution loses",
        ),
    ],
)
def test_the_audit_sees_what_is_wrong(spoil: Callable[..., Assignment], file: str, old: str, new: str, told: str) -> None:
    spoilt = spoil(file, old, new)
    if told == "keeps full points":
        whole = (FOLDER / "accepted" / "test_centre" / "properties.py").read_text()
        (spoilt.folder / file).write_text(whole)
    row = _audit_in_worker(str(spoilt.folder), "duo", "duo.test_centre", 1)
    assert any(told in fault for fault in row.faults), row.faults


def test_the_release_is_built_without_a_solution(duo: Assignment, tmp_path: Path) -> None:
    build_source(duo, COURSE, tmp_path)
    built = build_release(duo, COURSE, tmp_path).folder
    text = (built / "duo.ipynb").read_text()
    assert "right=centre" in text and "keepdim" not in text and "NotImplementedError" in text
