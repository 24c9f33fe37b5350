"""Whose processor time a solved notebook takes: the judge's, the kernels', that of the implementations which students' tests call."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil

from autograder.engine.grade_one import grade_one
from autograder.sandbox.choice import Start
from autograder.sandbox.home import RunHome
from benchmarks.grading.starts import solved

BENCH = "autograder.judge.bench_process"

Progress = Callable[[str], None]


def measure_profile(
    course_root: Path, assignment: str, notebook: str, rounds: int, progress: Progress = lambda line: None
) -> dict[str, float]:
    """Grade a solved notebook in this process, once for warming up and then in turns that count.

    Args:
        course_root: holds ``assignments/``, ``source/`` and ``release/``.
        assignment: its name.
        notebook: stem.
        rounds: how often it counts.
        progress: told each turn before it starts.

    Returns:
        Medians of processor seconds: ``judge`` (this process: nbclient, relay, watchdog; drawing and comparing cases), ``kernel`` (the
        notebook's own run), ``test_kernels`` (its runs up to the check of a student's test), ``implementations`` (what such a test
        calls). What a fork costs before and after the program that it becomes is in none of them.
    """
    job = replace(solved(course_root, assignment, notebook), start=Start.FORKED)
    rows: list[tuple[float, float, float, float]] = []
    for turn in range(rounds + 1):
        progress(f"where the time goes: {f'turn {turn} of {rounds}' if turn else 'one to warm up'}")
        kernels: list[float] = []

        def look(sandbox: RunHome, kernels: list[float] = kernels) -> None:
            kernels.append(sandbox.cpu_s)

        own_s, implementations_s = _own_s(), _implementations_s()
        grade_one(job, look)
        rows.append((_own_s() - own_s, kernels[0], sum(kernels[1:]), _implementations_s() - implementations_s))
    names = ("judge", "kernel", "test_kernels", "implementations")
    return {name: round(median(row[place] for row in rows[1:]), 2) for place, name in enumerate(names)}


def _own_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _implementations_s() -> float:
    # One that has ended is among the children that were waited for, and nothing else is while the fork server lives.
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [child.cpu_times() for child in psutil.Process().children() if BENCH in child.cmdline()]
    return ended.ru_utime + ended.ru_stime + sum(sum(times[:4]) for times in running)
