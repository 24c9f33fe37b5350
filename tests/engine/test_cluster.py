"""Grading on a real Dask cluster: the same receipts, nothing shared but the code, a worker that is killed costs nobody a mark."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

from autograder.authoring.rules import read_lessons
from autograder.engine.cluster import ClusterError, UnfitWorker, grade_on_cluster, grade_parcel, pack, pack_release
from autograder.engine.grade_one import grade_one
from autograder.engine.job import Job, Result
from autograder.exercise.assignment import load_assignment

pytest.importorskip("distributed")
NOTEBOOK = "4_uncertainty"
WAIT_S = 120.0


@pytest.fixture
def job_of(root: Path) -> Callable[[str], Job]:
    """Return a function from a student's name to a job on the smallest notebook of the first assignment, solved."""
    assignment = load_assignment(root / "assignments" / "a1_pose")
    (lesson,) = [lesson for lesson in read_lessons(assignment) if lesson.name == NOTEBOOK]
    notebook = nbformat.read(root / "release" / "a1_pose" / f"{NOTEBOOK}.ipynb", as_version=4)
    # only what is checked: pictures and trainings take their time elsewhere.
    parts = ("exercise", "check", "setup")
    notebook.cells = [
        cell for cell in notebook.cells if any(part in cell.metadata.get("vislab", {}) for part in parts) or "import torch" in cell.source
    ]
    for cell in notebook.cells:
        if name := cell.metadata.get("vislab", {}).get("exercise"):
            cell.source = lesson.solution_source(name)

    def make(student: str) -> Job:
        raw = nbformat.writes(notebook).encode()
        folder = root / "assignments" / "a1_pose"
        return Job(
            student,
            "a1_pose",
            NOTEBOOK,
            raw,
            f"hash of {student}",
            folder,
            root / "release" / "a1_pose",
            b"thirty-two bytes of a test's secret",
        )

    return make


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        quiet = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        log = self._start("scheduler", "scheduler", *quiet)
        self.address = self._read(log, r"Scheduler at:\s+(tcp://\S+)")
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker and wait until the scheduler knows it."""
        words = ["--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard", "--local-directory", str(self._folder), *options]
        log = self._start(f"worker{len(self.workers)}", "worker", self.address, *words)
        self._read(log, r"Registered to:\s+(tcp://\S+)")
        self.workers.append(self._started[-1])
        return self._started[-1]

    def _start(self, name: str, *words: str) -> Path:
        log = self._folder / f"{name}.log"
        with log.open("wb") as stream:
            command = [sys.executable, "-m", "dask", *words]
            self._started.append(subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True))
        return log

    def _read(self, log: Path, pattern: str) -> str:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if found := re.search(pattern, log.read_text(errors="replace")):
                return found.group(1)
            assert self._started[-1].poll() is None, log.read_text(errors="replace")
            time.sleep(0.1)
        raise AssertionError(log.read_text(errors="replace"))

    def close(self) -> None:
        for process in reversed(self._started):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


@pytest.mark.needs_walls
def test_a_worker_killed_in_the_middle_costs_nobody_a_mark(cluster: Cluster, job_of: Callable[[str], Job]) -> None:
    cluster.add_worker("--no-nanny")
    cluster.add_worker("--no-nanny")
    jobs = [job_of(student) for student in ("ann", "ben", "cem", "dora")]
    results: dict[str, Result] = {}

    def finished(job: Job, result: Result) -> None:
        if not results:
            os.killpg(cluster.workers[0].pid, signal.SIGKILL)
        results[job.student] = result

    grade_on_cluster(jobs, finished, cluster.address)
    assert cluster.workers[0].wait(WAIT_S) == -signal.SIGKILL
    assert {student: result.ledger["status"] for student, result in results.items()} == dict.fromkeys(
        ("ann", "ben", "cem", "dora"), "GRADED"
    )
    # byte for byte as on this machine.
    assert results["dora"].receipt == grade_one(jobs[-1]).receipt


@pytest.mark.needs_walls
def test_a_worker_that_may_have_no_processes_is_told_so(cluster: Cluster, job_of: Callable[[str], Job]) -> None:
    cluster.add_worker()
    with pytest.raises(
        ClusterError, match=r"runs it as a daemon; start it with --no-nanny, or with DASK_DISTRIBUTED__WORKER__DAEMON=False"
    ):
        grade_on_cluster([job_of("ann")], lambda job, result: None, cluster.address)


def test_a_cluster_without_workers(cluster: Cluster, job_of: Callable[[str], Job]) -> None:
    with pytest.raises(ClusterError, match=rf"the cluster at {cluster.address} has no workers; start some: dask worker"):
        grade_on_cluster([job_of("ann")], lambda job, result: None, cluster.address)


def test_nobody_at_the_address(job_of: Callable[[str], Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.engine.cluster.CONNECT_S", 0.5)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        grade_on_cluster([job_of("ann")], lambda job, result: None, "tcp://127.0.0.1:9")


def test_other_code_or_another_assignment_does_not_grade(job_of: Callable[[str], Job], tmp_path: Path, root: Path) -> None:
    job = job_of("ann")
    parcel, release = pack(job), pack_release(job)
    assert str(root) not in repr(parcel) and f"{NOTEBOOK}.ipynb" in release and "cases.h5" in release
    for change, told in (({"grader_digest": "0"}, "grading code or versions"), ({"assignment_digest": "0"}, "assignment a1_pose differ")):
        with pytest.raises(UnfitWorker, match=told):
            grade_parcel(type(parcel)(**{**vars(parcel), **change}), release)
    with pytest.raises(UnfitWorker, match="this worker has no assignment a1_pose; bring its repository to the same commit"):
        grade_parcel(parcel, release, tmp_path)
