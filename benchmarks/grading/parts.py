"""The parts of ``python -m benchmarks grading``, in the order in which they are measured."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.exercise.assignment import resolve_assignment
from benchmarks.grading.contenders import CommandFailed
from benchmarks.grading.measure import GateError, measure_class, measure_growth
from benchmarks.grading.profile import measure_profile
from benchmarks.grading.starts import StartGateError, measure_starts

PARTS = ("starts", "profile", "class", "growth")
GATES = (GateError, StartGateError, CommandFailed)


def measure_parts(root: Path, options: argparse.Namespace, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure the parts that the command line asks for; all of them where it names none.

    Args:
        root: the repository.
        options: ``part``, ``assignment``, ``notebook``, ``submissions``, ``rounds``, ``growth``, ``exercise``.
        progress: told what is measured next.

    Raises:
        GateError, StartGateError, CommandFailed: a comparison is red, or a command did not grade its class.
    """
    assignment = resolve_assignment(root / "assignments", options.assignment)
    measured: dict[str, Any] = {}
    for part in options.part or PARTS:
        if part == "starts":
            progress("how kernels start")
            measured["starts"] = measure_starts(root, options.assignment, [options.notebook], options.rounds)
        elif part == "profile":
            measured["profile"] = measure_profile(root, options.assignment, options.notebook, options.rounds, progress)
        elif part == "class":
            measured |= measure_class(root, assignment, options.notebook, options.submissions, options.rounds, progress)
        else:
            measured |= measure_growth(root, assignment, options.notebook, options.exercise, options.growth, progress)
    return measured
