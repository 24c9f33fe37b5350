"""A class graded twice: once undisturbed, once while judge, sandbox, writer and run are killed, the disk is full and the gradebook locked.

``PYTHONPATH=. python tests/engine/fault_run.py --submissions 200 --json`` prints the figures; ``run_faults`` is what other code calls.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from fault_course import ASSIGNMENT, NOTEBOOK, FaultCourse, make_course
from fault_disk import Disk

from autograder.cli.terminal import EXIT_NOT_ENTERED

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NBCLIENT_NOISE = re.compile(
    r"^Task exception was never retrieved\nfuture: <Task .*_async_poll_kernel_alive.*\n(?:.*\n)*?\w+Error.*$", re.MULTILINE
)
POLL_S = 0.05
# a command that takes longer hangs: that is a fault of ours, and is reported as one.
COMMAND_S = 3600.0
GONE_S = 30.0
RESUMES_MAX = 4
GRADING = ("worker", "sandbox", "run", "disk")
ENTERING = ("writer", "lock", "full")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Args:
        kind: "worker" kills a process in which a judge is at work, "sandbox" one of the processes behind the walls, "run" the command
            while it grades, "disk" fills the disk while it grades and empties it again, "writer" kills the command while it enters marks,
            "lock" holds the gradebook while marks are entered, "full" fills the disk then.
        at: share of the class that is graded (of the step "gradebook": of the students entered) when it happens.
        delay_s: how long after that.
        pick: decides among several processes.
    """

    kind: str
    at: float
    delay_s: float
    pick: float


@dataclass
class FaultReport:
    """What a disturbed class came to.

    Args:
        submissions: in the class.
        seed: of the class and the faults.
        happened: kind to number of faults that happened.
        commands: how often ``grade`` was started.
        exits: exit code of ``grade`` (negative: signal) to how often.
        differing: receipts and marks that are not those of the undisturbed run.
        lost: students without a receipt, or without a mark in the gradebook.
        left_behind: processes of a killed run that were still there later.
        run_folders: temporary folders that killed runs left; a few kilobytes each.
        refusals: what the command said last where it could not enter marks.
        tracebacks: of the command itself.
    """

    submissions: int
    seed: int
    happened: dict[str, int] = field(default_factory=dict)
    commands: int = 0
    exits: dict[int, int] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    run_folders: int = 0
    refusals: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def good(self) -> bool:
        return not (self.differing or self.lost or self.left_behind or self.tracebacks)


def draw_faults(counts: dict[str, int], seed: int) -> list[Fault]:
    """Draw when each fault happens, in order of time; those of the step "gradebook" come last."""
    chance = random.Random(seed)
    drawn = [
        Fault(kind, chance.uniform(0.02, 0.8 if kind in GRADING else 0.6), chance.uniform(0.0, 2.0), chance.random())
        for kind in (*GRADING, *ENTERING)
        for _ in range(counts.get(kind, 0))
    ]
    return sorted(drawn, key=lambda fault: (fault.kind in ENTERING, fault.at if fault.kind in GRADING else fault.pick))


def run_faults(place: Path, submissions: int, counts: dict[str, int], seed: int, workers: int = 2, light: bool = False) -> FaultReport:
    """Grade a class undisturbed and disturbed, and compare.

    Args:
        place: an empty folder.
        submissions: in the class.
        counts: kind to how many faults.
        seed: of the class and of the faults; the processes' own timing is chance.
        workers: of each command.
        light: a class that is quickly graded.
    """
    started_s = time.monotonic()
    report = FaultReport(submissions, seed)
    calm = make_course(place / "calm", submissions, seed, light)
    process = _Command(calm, workers)
    if process.end() != 0:
        raise RuntimeError(f"the undisturbed run failed:\n{process.said()}")
    with Disk(place / "disk") as disk:
        rough = make_course(disk.folder / "rough", submissions, seed, light)
        _disturb(rough, disk, draw_faults(counts, seed), report, workers)
        compare(calm, rough, report)
        report.run_folders = len(list(rough.temporary.iterdir()))
    report.wall_s = round(time.monotonic() - started_s, 1)
    return report


def _disturb(course: FaultCourse, disk: Disk, faults: list[Fault], report: FaultReport, workers: int) -> None:
    happened: Counter[str] = Counter()
    exits: Counter[int] = Counter()
    waiting = list(faults)
    retries = RESUMES_MAX
    while waiting or exits[0] == 0:
        if report.commands > 2 * len(faults) + RESUMES_MAX:
            report.lost.append(f"grade does not come to an end: {dict(exits)}")
            break
        command = _Command(course, workers)
        report.commands += 1
        while waiting and command.wait_for(waiting[0], report.submissions):
            fault = waiting.pop(0)
            if _happen(fault, command, course, disk):
                happened[fault.kind] += 1
            elif fault.kind in ENTERING and retries:
                # the command was quicker; marks are entered anew by the next one.
                retries -= 1
                waiting.insert(0, fault)
                break
        code = command.end()
        exits[code] += 1
        disk.empty()
        report.tracebacks += command.tracebacks()
        report.refusals += [command.said().strip().splitlines()[-1]] if code == EXIT_NOT_ENTERED else []
        report.left_behind += command.left_behind()
        if code == 0 and waiting and waiting[0].kind in GRADING:
            # everything is graded already: what is left to disturb is the step that enters marks.
            waiting = [fault for fault in waiting if fault.kind in ENTERING]
    report.happened, report.exits = dict(happened), dict(exits)


def _happen(fault: Fault, command: _Command, course: FaultCourse, disk: Disk) -> int:
    time.sleep(fault.delay_s if fault.kind in GRADING else fault.delay_s / 4)
    if fault.kind in ("run", "writer"):
        return command.kill()
    if fault.kind in ("worker", "sandbox"):
        return command.kill_inside(fault)
    if fault.kind == "lock":
        return _hold(course, command)
    with disk.full(command.process.pid):
        # while marks are entered, until the command gives up; while it grades, for a few results.
        command.wait(None if fault.kind == "full" else 4.0)
    return 1


def _hold(course: FaultCourse, command: _Command) -> int:
    connection = sqlite3.connect(course.gradebook, timeout=60, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        in_time = command.process.poll() is None
        command.wait(None)
    finally:
        connection.close()
    return int(in_time)


class _Command:
    """One ``grade`` that runs, what it says, and the processes it started."""

    def __init__(self, course: FaultCourse, workers: int) -> None:
        self.course = course
        self.heard = tempfile.TemporaryFile("w+")
        self.process = psutil.Popen(
            [sys.executable, str(HERE / "fault_command.py"), str(course.root), str(workers)],
            cwd=ROOT,
            env={**course.environment(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=self.heard,
            stderr=subprocess.STDOUT,
        )
        self.family: set[psutil.Process] = set()

    def said(self) -> str:
        self.heard.seek(0)
        return self.heard.read()

    def tracebacks(self) -> list[str]:
        # nbclient's own watch over a kernel that was killed under it; nobody waits for it, and it stops nothing.
        said = NBCLIENT_NOISE.sub("", self.said())
        return [said[-2000:]] if "Traceback" in said else []

    def wait(self, seconds: float | None) -> bool:
        """Wait for the end, at most so long; returns whether it came."""
        try:
            self.process.wait(COMMAND_S if seconds is None else seconds)
        except psutil.TimeoutExpired:
            if seconds is None:
                self.kill()
                raise RuntimeError(f"grade hangs:\n{self.said()}") from None
            return False
        return True

    def end(self) -> int:
        self.wait(None)
        return int(self.process.returncode)

    def wait_for(self, fault: Fault, submissions: int) -> bool:
        """Wait until a fault's moment has come; False where the command ends before."""
        while self.process.poll() is None:
            self._look_around()
            _, entering, entered = self.said().partition("\ngradebook\n")
            if fault.kind in ENTERING:
                # the students are entered in order, a line each.
                if entering and entered.count("\n") >= fault.at * submissions:
                    return True
            elif not entering and len(_graded(self.course)) >= fault.at * submissions and "\ngrade (" in self.said():
                return True
            time.sleep(POLL_S)
        return False

    def kill(self) -> int:
        """Kill the command itself, as the machine's out-of-memory killer does."""
        self._look_around()
        if self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGKILL)
        return 1

    def kill_inside(self, fault: Fault) -> int:
        """Kill a worker, in which the judge is a thread, or a process of the sandbox that it holds."""
        for _ in range(200):
            self._look_around()
            try:
                workers = [child for child in self.process.children() if "spawn_main" in " ".join(child.cmdline())]
                found = workers if fault.kind == "worker" else [inner for each in workers for inner in each.children(recursive=True)]
                if found:
                    found[int(fault.pick * len(found))].kill()
                    return 1
            except psutil.NoSuchProcess:
                pass
            if self.process.poll() is not None:
                return 0
            time.sleep(POLL_S)
        return 0

    def left_behind(self) -> list[str]:
        """Return what is still there of the processes that were seen, once they had time to go."""
        _, alive = psutil.wait_procs(self.family, GONE_S)
        return [f"{each.pid} {each.name()}" for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    def _look_around(self) -> None:
        try:
            self.family |= set(self.process.children(recursive=True))
        except psutil.NoSuchProcess:
            pass


def _graded(course: FaultCourse) -> list[Path]:
    keys = (course.root / "ledgers" / ASSIGNMENT).glob(f"student-*/{NOTEBOOK}/key")
    return [path for path in keys if not _text(path).startswith("error")]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return "error"


def compare(calm: FaultCourse, rough: FaultCourse, report: FaultReport) -> None:
    """Note every receipt and every mark of the disturbed course that is not the undisturbed one's."""
    for student in sorted(path.name for path in (calm.root / "submitted").iterdir()):
        one, two = (course.root / "ledgers" / ASSIGNMENT / student / NOTEBOOK / "receipt.json" for course in (calm, rough))
        if not two.is_file():
            report.lost.append(student)
        elif one.read_bytes() != two.read_bytes() and not _decided_by_a_limit(one, two):
            report.differing.append(f"{student}: receipt")
    marks, others = _marks(calm), _marks(rough)
    report.lost += [f"{student}: {cell} has no mark" for student, cell in sorted(set(marks) - set(others))]
    report.differing += [
        f"{student}: {cell} is {others[student, cell]} and was {marks[student, cell]}"
        for student, cell in sorted(set(marks) & set(others))
        if marks[student, cell] != others[student, cell]
    ]
    report.differing += [f"{student}: {cell} is new" for student, cell in sorted(set(others) - set(marks))]


def _decided_by_a_limit(*receipts: Path) -> bool:
    told = [json.loads(path.read_bytes()) for path in receipts]
    return any(case[3] for table in told for exercise in table["exercises"] for case in exercise["cases"])


def _marks(course: FaultCourse) -> dict[tuple[str, str], tuple]:
    """Return student and cell to everything that the gradebook says of it."""
    query = """
        SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score, grade.manual_score, grade.extra_credit,
               grade.needs_manual_grade
        FROM grade JOIN base_cell ON grade.cell_id = base_cell.id
        JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
        JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id"""
    connection = sqlite3.connect(course.gradebook)
    try:
        return {(student, cell): tuple(rest) for student, cell, *rest in connection.execute(query)}
    finally:
        connection.close()


def main() -> None:
    """Command line: prints one JSON object; exit 1 when anything was lost or differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="machine-readable (always)")
    chosen = parser.parse_args()
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    share = chosen.submissions / 200
    counts = {kind: max(1, round(number * share)) for kind, number in SLOW_COUNTS.items()}
    with tempfile.TemporaryDirectory(prefix="vislab-faults-") as place:
        report = run_faults(Path(place), chosen.submissions, counts, seed, chosen.workers)
    print(json.dumps({**asdict(report), "good": report.good}, indent=1))
    sys.exit(0 if report.good else 1)


# for two hundred submissions.
SLOW_COUNTS = {"worker": 12, "sandbox": 25, "run": 6, "disk": 3, "writer": 5, "lock": 2, "full": 2}

if __name__ == "__main__":
    main()
