"""Kernels that are forked from a warm interpreter against kernels with an interpreter of their own, taken in turns in one run."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
from nbclient import NotebookClient

from autograder.engine.grade_one import grade_one
from autograder.engine.job import Job
from autograder.exercise.assignment import assignment_folder
from autograder.sandbox.choice import Start, open_sandbox
from autograder.sandbox.fork_proof import fork_faults
from benchmarks.timing import median_ratio

STARTS = (Start.FRESH, Start.FORKED)
# What the first cell of a lesson does.
IMPORTS = "import torch, numpy, matplotlib.pyplot, vislab.check"
SECRET = hashlib.sha256(b"benchmark of grading").digest()


class StartGateError(RuntimeError):
    """Marks depend on how kernels start, or kernels cannot be forked here: no figure is worth printing."""


def measure_starts(course_root: Path, assignment: str, notebooks: list[str], rounds: int) -> dict[str, Any]:
    """Measure start-up and whole solved notebooks.

    Args:
        course_root: holds ``assignments/``, ``source/`` and ``release/``.
        assignment: its name.
        notebooks: stems; solved as the source has them.
        rounds: how often everything is run each way, in turns.

    Raises:
        StartGateError: no kernel can be forked on this machine, or a receipt depends on how the kernel was started.
    """
    begun_s = time.perf_counter()
    faults = fork_faults()
    warm_s = time.perf_counter() - begun_s
    if faults:
        raise StartGateError(*faults)
    ready: dict[Start, list[dict[str, float]]] = {start: [] for start in STARTS}
    whole: dict[str, dict[Start, list[float]]] = {name: {start: [] for start in STARTS} for name in notebooks}
    jobs = {name: solved(course_root, assignment, name) for name in notebooks}
    receipts: dict[str, set[bytes]] = {name: set() for name in notebooks}
    for turn in range(rounds):
        for start in STARTS if turn % 2 == 0 else reversed(STARTS):
            ready[start].append(start_up(start))
            for name, job in jobs.items():
                begun_s = time.perf_counter()
                receipts[name].add(grade_one(replace(job, start=start)).receipt)
                whole[name][start].append(time.perf_counter() - begun_s)
    differing = [name for name, found in receipts.items() if len(found) != 1]
    if differing:
        raise StartGateError(f"receipts depend on how the kernel was started: {', '.join(differing)}")
    started = {what: {start: [each[what] for each in ready[start]] for start in STARTS} for what in ("ready", "imported", "cpu")}
    return {
        "warm_s": round(warm_s, 2),
        "start_up": [{"what": what, **_row(times)} for what, times in started.items()],
        "notebooks": [{"notebook": name, **_row(times)} for name, times in whole.items()],
        "same_marks": True,
    }


def start_up(start: Start) -> dict[str, float]:
    """Start one kernel; returns seconds until its first cell is done, until what lessons import is there, and CPU seconds inside."""
    times: list[float] = []
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in ("1", IMPORTS, "import time; time.sleep(0.1)")])
    begun_s = time.perf_counter()
    with open_sandbox({}, start=start) as sandbox:
        client = NotebookClient(
            book,
            kernel_manager_class=sandbox.kernel_manager_class,
            timeout=600,
            on_cell_executed=lambda cell, cell_index, execute_reply: times.append(time.perf_counter() - begun_s),
        )
        client.execute()
        return {"ready": times[0], "imported": times[1], "cpu": sandbox.cpu_s}


def solved(course_root: Path, assignment: str, notebook: str) -> Job:
    """Return the job of a solved notebook."""
    folder = assignment_folder(course_root / "assignments", assignment).resolve()
    book = nbformat.read(course_root / "source" / assignment / f"{notebook}.ipynb", as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    digest = hashlib.sha256(json.dumps([cell.source for cell in code]).encode()).hexdigest()
    content = nbformat.writes(book).encode()
    return Job("benchmark", assignment, notebook, content, digest, folder, course_root / "release" / assignment, SECRET)


def _row(times: dict[Start, list[float]]) -> dict[str, float]:
    return {
        "fresh_s": round(median(times[Start.FRESH]), 2),
        "forked_s": round(median(times[Start.FORKED]), 2),
        "speedup": round(median_ratio(times[Start.FRESH], times[Start.FORKED]), 2),
    }
