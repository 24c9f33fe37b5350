"""Whole commands that grade a class, process start included, and what they leave behind."""

from __future__ import annotations

import contextlib
import csv
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from autograder.engine.store import LedgerStore
from benchmarks.grading.school import School

PYTHON = sys.executable
POLL_S = 0.2


class CommandFailed(RuntimeError):
    """A command that should have graded a class and did not."""


@dataclass(frozen=True)
class Contender:
    """One way to grade a class.

    Args:
        name: for the table.
        command: after the interpreter; ``{assignment}`` stands for the assignment's name.
        stock: with nothing of ours but the notebooks: no configuration, no intake, no judge, no walls.
    """

    name: str
    command: tuple[str, ...]
    stock: bool = False


_GRADE = ("-m", "autograder", "grade", "{assignment}", "--no-feedback")
ENGINE = Contender("engine, 2 workers", (*_GRADE, "--workers", "2"))
ENGINE_ALONE = Contender("engine, 1 worker", (*_GRADE, "--workers", "1"))
FRESH_ALONE = Contender("fresh kernels, 1 worker", (*_GRADE, "--workers", "1", "--fresh"))
NO_WALLS = Contender("no walls, 1 worker", (*_GRADE, "--workers", "1", "--unsafe-no-sandbox"))
# what an instructor types today.
NBGRADER = Contender("nbgrader", ("-m", "nbgrader", "autograde", "{assignment}"), stock=True)


@dataclass(frozen=True)
class Graded:
    """What came of one command.

    Args:
        wall_s: from its start to its end.
        cpu_s: processor time of the command and everything that it started and waited for.
        memory_mib: the most that the command's own process held, workers and kernels not counted.
        run_s: of every notebook, seconds from the start of its first kernel to the end of its last one; empty for nbgrader.
        receipts: of every student; empty for nbgrader.
        marks: of every student, as the gradebook has them.
        own_cpu_s: processor time of the command's own process alone: the one writer.
    """

    wall_s: float
    cpu_s: float
    memory_mib: float
    run_s: tuple[float, ...] = ()
    receipts: dict[str, bytes] = field(default_factory=dict)
    marks: dict[str, float] = field(default_factory=dict)
    own_cpu_s: float = 0.0


def grade_class(school: School, contender: Contender) -> Graded:
    """Grade a copy of the course from the beginning.

    Raises:
        CommandFailed: with what the command said.
    """
    with tempfile.TemporaryDirectory(prefix="vislab-grading-") as folder:
        place = Path(folder)
        course = school.copy(place / "course", contender.stock)
        environment = dict(school.environment(place / "t"))
        # nbgrader calls alembic by name.
        environment["PATH"] = f"{Path(PYTHON).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
        words = [PYTHON, *(word.format(assignment=school.assignment.name) for word in contender.command)]
        if not contender.stock:
            words += ["--course", str(course)]
        said = place / "said.txt"
        timed = _timed(words, course if contender.stock else None, environment, said)
        if timed.code != 0:
            raise CommandFailed(f"{contender.name} ended with {timed.code}:\n{_last_words(said)}")
        marks = _marks(course, school.assignment.name, environment)
        if len(marks) != school.students:
            raise CommandFailed(f"{contender.name} entered {len(marks)} of {school.students} students:\n{_last_words(said)}")
        store = LedgerStore(course / "ledgers")
        found = {student: store.get(school.assignment.name, student, school.notebook) for student in sorted(marks)}
        kept = {student: result for student, result in found.items() if result is not None}
        return Graded(
            timed.wall_s,
            timed.cpu_s,
            timed.memory_mib,
            tuple(sum(result.ledger["run"]["wall_s"] + result.ledger["run"]["apart_s"]) for result in kept.values()),
            {student: result.receipt for student, result in kept.items()},
            marks,
            timed.own_cpu_s,
        )


def _last_words(said: Path) -> str:
    return said.read_text(errors="replace")[-2000:]


@dataclass(frozen=True)
class _Timed:
    wall_s: float
    cpu_s: float
    memory_mib: float
    own_cpu_s: float
    code: int


def _timed(words: Sequence[str], folder: Path | None, environment: dict[str, str], said: Path) -> _Timed:
    with said.open("wb") as output:
        begun_s = time.monotonic()
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        watch = _Watch(process.pid)
        watch.start()
        # the kernel adds up what a child and those that it waited for took, for whoever waits in this way.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - begun_s
        watch.join()
    return _Timed(wall_s, usage.ru_utime + usage.ru_stime, watch.most_mib, watch.cpu_s, process.returncode)


class _Watch(threading.Thread):
    """Looks at what one process holds and takes, its children not counted, until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self.most_mib, self.cpu_s = 0.0, 0.0

    def run(self) -> None:
        with contextlib.suppress(psutil.Error):
            while self._process.status() != psutil.STATUS_ZOMBIE:
                self.most_mib = max(self.most_mib, self._process.memory_info().rss / 2**20)
                self.cpu_s = sum(self._process.cpu_times()[:2])
                time.sleep(POLL_S)


def _marks(course: Path, assignment: str, environment: dict[str, str]) -> dict[str, float]:
    """Read the gradebook with nbgrader's own exporter, whoever wrote it."""
    path = course / "marks.csv"
    shipped = [PYTHON, "-m", "nbgrader", "export", "--to", str(path), "--ExportApp.plugin_class=nbgrader.plugins.CsvExportPlugin"]
    subprocess.run(shipped, cwd=course, env=environment, check=True, capture_output=True, timeout=600)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["assignment"] == assignment]
    return {row["student_id"]: float(row["raw_score"]) for row in rows if row["raw_score"] and row["timestamp"]}
