"""What happens around nbgrader's own steps."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import fake_grader
import nbformat
import pytest
from fake_grader import prepare
from tiny_course import ASSIGNMENT, TinyCourse

from autograder.gradebook import hooks
from autograder.gradebook.execute import Execute
from autograder.gradebook.hooks import prepare_nbgrader, refresh_intake, require_intake
from autograder.gradebook.run import SHIPPED_CONFIG
from autograder.intake.record import IntakeRecord, save_record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ann", "bob", "cleo"):
        (tmp_path / "submitted" / name / "a1").mkdir(parents=True)
    (tmp_path / "intake" / "ann" / "a1").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["autograde", "a1"], "2 of 3 submissions of a1 have not been taken in (bob, cleo)"),
        (["autograde", "--assignment=a1"], "(bob, cleo)"),
        (["autograde", "--assignment", "a1", "--force"], "(bob, cleo)"),
        (["autograde", "a1", "--student", "bob"], "1 of 3 submissions of a1 have not been taken in (bob)"),
        (["autograde", "--student=c*", "a1"], "(cleo)"),
    ],
)
def test_submissions_that_nbgrader_would_not_see_stop_it(folder: Path, words: list[str], told: str) -> None:
    with pytest.raises(SystemExit) as stop:
        require_intake(["/usr/bin/nbgrader", *words], folder)
    assert told in str(stop.value)
    assert f"run 'python -m autograder intake a1 --course {folder}' in {SHIPPED_CONFIG.parent} first" in str(stop.value)


def test_in_the_repository_itself_the_command_is_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "REPOSITORY", folder)
    with pytest.raises(SystemExit, match=r"run 'python -m autograder intake a1' first, then this command again\.$"):
        require_intake(["nbgrader", "autograde", "a1"], folder)


@pytest.mark.parametrize(
    "argv",
    [
        ["nbgrader", "autograde", "a1", "--student=ann"],
        ["nbgrader", "autograde", "a2"],
        ["nbgrader", "autograde"],
        ["nbgrader", "generate_feedback", "a1"],
        ["nbgrader"],
        ["jupyter-lab", "autograde", "a1"],
        [],
    ],
)
def test_everything_else_is_let_through(folder: Path, argv: list[str]) -> None:
    require_intake(argv, folder)


def test_another_course_folder_is_looked_at(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(SystemExit, match=r"\(bob, cleo\)"):
        require_intake(["nbgrader", "autograde", "a1", f"--course-dir={folder}"], elsewhere)
    require_intake(["nbgrader", "autograde", "a1"], elsewhere)


def test_what_intake_refused_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "submitted" / "b<i>d" / "a1").mkdir(parents=True)
    for name in ("bob", "cleo"):
        save_record(IntakeRecord(name, "a1", error="the disk is full"), folder / "ledgers")
    require_intake(["nbgrader", "autograde", "a1"], folder)
    assert capsys.readouterr().err == "not graded, because intake could not take them: b<i>d, bob, cleo\n"


@pytest.mark.filterwarnings("default")
def test_alembic_is_found_beside_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(hooks.shutil, "which", lambda name: None)
    prepare_nbgrader()
    assert os.environ["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_the_hook_takes_the_students_concerned_in_anew(course: TinyCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.chdir(course.root)
    monkeypatch.setattr(hooks, "_take_in", lambda root, assignment, student, known, log: calls.append((assignment, student, known)))
    (course.root / "submitted" / "ann" / ASSIGNMENT).mkdir(parents=True)
    paths = [str(course.root / "intake" / name / ASSIGNMENT / f"{book}.ipynb") for name in ("ann", "bob") for book in ("one", "two")]
    refresh_intake(ASSIGNMENT, "*", paths)
    assert calls == [(ASSIGNMENT, "ann", {"one", "two"})]


def test_a_failing_hook_says_what_to_do(course: TinyCourse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.chdir(course.root)
    (course.root / "submitted" / "ann" / ASSIGNMENT).mkdir(parents=True)
    with caplog.at_level(logging.ERROR):
        # no such assignment among the repository's.
        refresh_intake(ASSIGNMENT, "*", [str(course.root / "intake" / "ann" / ASSIGNMENT / "one.ipynb")])
    assert f"intake of {ASSIGNMENT} for * failed: unknown assignment" in caplog.text
    assert f"run 'python -m autograder intake {ASSIGNMENT} --course {course.root}'" in caplog.text


def test_a_missing_course_secret_or_intake_is_our_failure(course: TinyCourse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped grader, in a course that nobody has set up."""
    monkeypatch.setenv("VISLAB_SECRET_FILE", str(tmp_path / "none"))
    course.hand_in("ann")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("c.Execute.grader = 'autograder.gradebook.execute.grade_notebook'\n")
    outcome = course.autograde()
    assert outcome.done == ("ann",) and course.grades("ann")["check-pose-first"] == (None, True)
    assert any("GRADER_ERROR" in line and "has not gone through intake; run 'python -m autograder intake" in line for line in outcome.log)


def test_a_running_event_loop_is_no_obstacle(course: TinyCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The formgrader autogrades inside its server's loop."""
    course.hand_in("ann")
    prepare(course.root, "ann", "two", right={"pose.second": [1, 1]})
    threads: list[bool] = []

    def grade(*arguments: object):
        threads.append(threading.current_thread() is threading.main_thread())
        # what nbclient does at the bottom of it.
        asyncio.run(asyncio.sleep(0))
        return original(*arguments)

    original = fake_grader.grade
    monkeypatch.setattr(fake_grader, "grade", grade)
    monkeypatch.chdir(course.root)
    notebook = nbformat.read(course.root / "intake" / "ann" / ASSIGNMENT / "two.ipynb", as_version=4)
    resources = {"nbgrader": {"assignment": ASSIGNMENT, "student": "ann", "notebook": "two"}}
    execute = Execute()
    execute.grader = "fake_grader.grade"

    async def inside() -> None:
        execute.preprocess(notebook, resources)

    asyncio.run(inside())
    assert resources["vislab"].ledger["points"] == 4
    execute.preprocess(notebook, resources)
    assert threads == [False, True]


def test_the_shipped_configuration_is_quick_to_read(tmp_path: Path) -> None:
    """Every nbgrader command reads it, the formgrader's server too: nothing heavy may be imported."""
    code = (
        "import json, sys\n"
        "from traitlets.config.loader import PyFileConfigLoader\n"
        f"PyFileConfigLoader({SHIPPED_CONFIG.name!r}, path={str(SHIPPED_CONFIG.parent)!r}).load_config()\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=True)
    loaded = set(json.loads(done.stdout))
    assert "autograder" in loaded
    assert not loaded & {"torch", "numpy", "nbconvert", "nbformat", "h5py", "vislab"}
