"""What an instructor mistypes: one sentence with name, value and remedy, exit code 2, and nothing touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.engine.secret import make_secret

ASSIGNMENT = "a1_pose"


@pytest.fixture
def course(root: Path, tmp_path: Path) -> Path:
    """A course folder with a release and the submission of one student, not taken in."""
    released = root / "release" / ASSIGNMENT
    shutil.copytree(released, tmp_path / "course" / "release" / ASSIGNMENT)
    shutil.copytree(released, tmp_path / "course" / "submitted" / "ada" / ASSIGNMENT)
    return tmp_path / "course"


def typed(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a command in the repository."""
    command = [sys.executable, "-m", "autograder", *words]
    return subprocess.run(command, cwd=root, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600)


def refused(root: Path, *words: str, **environment: str) -> str:
    """Return the one line that a refused command prints."""
    done = typed(root, *words, **environment)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    return lines[0].removeprefix("error: ")


@pytest.mark.parametrize("command", ["grade", "intake"])
def test_a_course_folder_that_is_not_there(root: Path, tmp_path: Path, command: str) -> None:
    told = refused(root, command, ASSIGNMENT, "--json", "--course", str(tmp_path / "corse"))
    assert told == f"--course {tmp_path / 'corse'} is no folder; name the one in which nbgrader is started"


def test_a_misspelt_student_is_named_before_anybody_is_graded(root: Path, course: Path) -> None:
    told = refused(root, "grade", ASSIGNMENT, "--course", str(course), "--student", "ada", "--student", "adda")
    assert told == f"--student adda has no submission of {ASSIGNMENT} in {course / 'submitted'}; there are: ada"
    assert not (course / "intake").exists()


def test_two_ways_to_start_kernels_exclude_each_other(root: Path, course: Path) -> None:
    for words in (("grade", ASSIGNMENT, "--course", str(course)), ("attack",)):
        told = refused(root, *words, "--fresh", "--forked")
        assert told == "--fresh and --forked exclude each other; leave both out to fork where that is safe"


def test_a_report_on_a_class_that_is_not_graded(root: Path, course: Path) -> None:
    told = refused(root, "report", ASSIGNMENT, "--course", str(course))
    assert told == f"{course / 'gradebook.db'} is missing; grade first: python -m autograder grade {ASSIGNMENT} --course {course}"
    assert not (course / "gradebook.db").exists() and not (course / "reports").exists()


def test_workers_of_this_machine_beside_a_cluster(root: Path, course: Path) -> None:
    told = refused(root, "grade", ASSIGNMENT, "--course", str(course), "--workers", "2", "--scheduler", "tcp://127.0.0.1:9")
    assert told == "--workers is for this machine, --scheduler for a cluster, which has its own workers; name one of them"


def test_an_audit_of_single_exercises_names_what_it_cannot_find(root: Path) -> None:
    told = refused(root, "audit", ASSIGNMENT, "--json", "--only", "pose.joint_loss", "--only", "pose.nothing")
    assert told.startswith(f"--only pose.nothing is no exercise of {ASSIGNMENT}; it has pose.") and "pose.soft_argmax," in told
    assert refused(root, "audit", "--only", "pose.joint_loss").endswith("audit ASSIGNMENT --only pose.joint_loss")


def test_an_audit_of_one_exercise_tells_of_it_alone(root: Path) -> None:
    done = typed(root, "audit", ASSIGNMENT, "--json", "--secrets", "1", "--only", "pose.norm_to_pixel")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["ok"] is True and [row["name"] for row in told["exercises"]] == ["pose.norm_to_pixel"]
    assert told["assignments"][0]["notebooks"] == []


def test_a_course_of_its_own_is_released_by_nbgrader(root: Path, course: Path) -> None:
    """``build`` writes into the repository alone: repeating it would never mend this."""
    shutil.rmtree(course / "release")
    told = refused(root, "intake", ASSIGNMENT, "--json", "--course", str(course))
    remedy = f"type 'nbgrader generate_assignment {ASSIGNMENT} --force' in {course}, beside a copy of the repository's source/"
    assert told == f"{course / 'release' / ASSIGNMENT} is missing; {remedy}"


def test_an_unknown_assignment_is_answered_with_the_known_ones(root: Path, course: Path) -> None:
    told = refused(root, "grade", "a1_post", "--course", str(course))
    known = ", ".join(sorted(path.parent.name for path in root.glob("assignments/*/assignment.toml")))
    assert told.startswith("unknown assignment 'a1_post'; the assignments under ") and told.endswith(f" are: {known}")
    assert ASSIGNMENT in known


def test_an_assignment_that_the_gradebook_does_not_know_is_named_before_anybody_is_graded(root: Path, course: Path) -> None:
    told = refused(root, "grade", ASSIGNMENT, "--course", str(course))
    assert told.startswith(f"{course / 'gradebook.db'} does not know the assignment {ASSIGNMENT}; type 'nbgrader generate_assignment ")
    assert not (course / "intake").exists() and not (course / "gradebook.db").exists()


@pytest.fixture
def known(course: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The course with a gradebook that knows the assignment."""
    # nbgrader calls alembic by name.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "vislab") as gradebook:
        gradebook.add_assignment(ASSIGNMENT)
    return course


def test_a_missing_secret_is_told_before_intake(root: Path, known: Path, tmp_path: Path) -> None:
    told = refused(root, "grade", ASSIGNMENT, "--course", str(known), VISLAB_SECRET_FILE=str(tmp_path / "none"))
    assert told.startswith(f"course secret {tmp_path / 'none'}: No such file or directory; make one with ")
    assert not (known / "intake").exists()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return str(make_secret(tmp_path / "config" / "secret"))


def test_missing_walls_are_told_before_intake(root: Path, known: Path, secret: str) -> None:
    told = refused(root, "grade", ASSIGNMENT, "--course", str(known), VISLAB_SECRET_FILE=secret, PATH="/nowhere")
    install = "bwrap was not found on PATH; install it with `sudo apt-get install bubblewrap`"
    assert told == f"{install}, or type out --unsafe-no-sandbox to run submissions without any protection"
    assert not (known / "intake").exists()


def test_audit_names_its_own_way_to_do_without_walls(root: Path) -> None:
    told = refused(root, "audit", ASSIGNMENT, PATH="/nowhere")
    assert told.endswith(", or type out --no-walls to leave the solved and the untouched notebooks out")


def test_a_copy_whose_submission_is_gone_is_named(root: Path, course: Path) -> None:
    assert typed(root, "intake", ASSIGNMENT, "--course", str(course)).returncode == 0
    shutil.rmtree(course / "submitted" / "ada")
    shutil.copytree(course / "release" / ASSIGNMENT, course / "submitted" / "ben" / ASSIGNMENT)
    told = typed(root, "intake", ASSIGNMENT, "--course", str(course))
    assert told.returncode == 0 and f"delete intake/ada/{ASSIGNMENT} to leave it out" in told.stdout
    assert json.loads(typed(root, "intake", ASSIGNMENT, "--course", str(course), "--json").stdout)["stale"] == ["ada"]
