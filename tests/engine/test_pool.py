"""Many jobs: one writer, every job once, a dying worker costs nobody else anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.engine.job import Job, Result
from autograder.engine.pool import grade_many, workers_for


def graded(job: Job) -> Result:
    return Result(job.content, {"status": "GRADED", "points": 1.0, "max_points": 1.0, "student": job.student}, b"")


def dies_on_ben(job: Job) -> Result:
    if job.student == "ben":
        os._exit(9)
    return graded(job)


def dies_once(job: Job) -> Result:
    mark = Path(os.environ["VISLAB_TEST_MARK"])
    if job.student == "ben" and not mark.exists():
        mark.touch()
        os._exit(9)
    return graded(job)


def survives_sigterm_while_another_dies(job: Job) -> Result:
    """What nbclient does while a notebook runs: SIGTERM is taken for itself. The other worker dies meanwhile."""
    mark = Path(os.environ["VISLAB_TEST_MARK"] + job.student)
    if mark.exists():
        return graded(job)
    mark.touch()
    if job.student == "ben":
        while not Path(os.environ["VISLAB_TEST_MARK"] + "ada").exists():
            time.sleep(0.01)
        os._exit(9)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(5)
    return graded(job)


def dies_once_on_everybody(job: Job) -> Result:
    mark = Path(os.environ["VISLAB_TEST_MARK"] + job.student)
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return graded(job)


def marks_its_beginning(job: Job) -> Result:
    Path(os.environ["VISLAB_TEST_MARK"] + job.student).touch()
    return graded(job)


def ran(make_job: Callable[..., Job], work: Callable[[Job], Result], students: list[str]) -> dict[str, Result]:
    found: dict[str, Result] = {}

    def finished(job: Job, result: Result) -> None:
        assert job.student not in found
        found[job.student] = result

    grade_many([make_job(student=student) for student in students], finished, workers=2, work=work)
    return found


def test_every_job_ends_once(make_job: Callable[..., Job]) -> None:
    assert set(ran(make_job, graded, ["ada", "ben", "cleo"])) == {"ada", "ben", "cleo"}


def test_a_class_that_is_graded_already_leaves_nothing_to_do(make_job: Callable[..., Job]) -> None:
    assert ran(make_job, graded, []) == {}


def test_a_worker_has_its_next_notebook_while_a_result_is_written(
    make_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISLAB_TEST_MARK", str(tmp_path / "mark-"))
    begun: dict[str, list[str]] = {}

    def finished(job: Job, result: Result) -> None:
        expected = 2 if job.student == "ada" else 3
        deadline_s = time.monotonic() + 60
        while len(list(tmp_path.glob("mark-*"))) < expected and time.monotonic() < deadline_s:
            time.sleep(0.01)
        begun[job.student] = sorted(path.name for path in tmp_path.glob("mark-*"))

    grade_many([make_job(student=student) for student in ("ada", "ben", "cleo")], finished, workers=1, work=marks_its_beginning)
    assert begun["ada"] == ["mark-ada", "mark-ben"] and set(begun) == {"ada", "ben", "cleo"}


def test_a_job_that_always_kills_its_worker_is_our_failure_alone(make_job: Callable[..., Job]) -> None:
    found = ran(make_job, dies_on_ben, ["ada", "ben", "cleo", "dan"])
    assert found["ben"].is_grader_error and "died 3 times" in found["ben"].ledger["error"]
    assert [found[name].ledger["status"] for name in ("ada", "cleo", "dan")] == ["GRADED"] * 3


def test_a_worker_that_dies_once_is_forgiven(make_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISLAB_TEST_MARK", str(tmp_path / "mark"))
    found = ran(make_job, dies_once, ["ada", "ben"])
    assert not found["ben"].is_grader_error


def test_the_deaths_of_others_cost_nobody_a_try(make_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More workers die than a notebook has tries, each over another notebook."""
    monkeypatch.setenv("VISLAB_TEST_MARK", str(tmp_path / "mark-"))
    students = ["ada", "ben", "cleo", "dan", "eve"]
    found = ran(make_job, dies_once_on_everybody, students)
    assert {name: found[name].is_grader_error for name in students} == dict.fromkeys(students, False)


@pytest.mark.timeout(300)
def test_a_worker_that_takes_no_heed_of_sigterm_does_not_hold_up_the_class(
    make_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISLAB_TEST_MARK", str(tmp_path / "mark-"))
    found = ran(make_job, survives_sigterm_while_another_dies, ["ada", "ben"])
    assert {name: result.is_grader_error for name, result in found.items()} == {"ada": False, "ben": False}


def test_no_more_workers_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 7 << 30

    monkeypatch.setattr("psutil.virtual_memory", Memory)
    assert workers_for(8, memory_mib=2048) == 2
    assert workers_for(1, memory_mib=2048) == 1
    assert workers_for(8, memory_mib=100_000) == 1


ORPHAN = """
import os, sys, time
from autograder.engine.pool import die_with

parent = os.getpid()
if os.fork() == 0:
    if sys.argv[1] == "late":
        # the parent is gone before anybody asks the kernel for anything.
        while os.getppid() == parent:
            time.sleep(0.01)
    die_with(parent)
    print("begun", flush=True)
    time.sleep(60)
    print("survived", flush=True)
elif sys.argv[1] == "early":
    time.sleep(0.5)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the request is Linux's own")
@pytest.mark.parametrize(("when", "said"), [("early", "begun\n"), ("late", "")])
def test_a_worker_dies_with_its_parent_even_with_one_that_died_before_it_began(root: Path, when: str, said: str) -> None:
    began_s = time.monotonic()
    # the pipe is open until the orphan, too, is gone.
    done = subprocess.run([sys.executable, "-c", ORPHAN, when], cwd=root, capture_output=True, text=True, timeout=50)
    assert done.stdout == said and time.monotonic() - began_s < 50
