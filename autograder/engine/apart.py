"""Checks that are judged apart from the notebook's run: tests, which must be no oracle for another exercise, and weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping

from nbformat import NotebookNode

from autograder.engine.run import check_of
from autograder.exercise.exercise import Exercise
from autograder.exercise.model import ModelProbe
from autograder.exercise.suite import SuiteProbe
from autograder.judge.bench import Bench, lent_bench
from autograder.judge.records import CheckRecord
from autograder.judge.test_suite import merged
from vislab.check.verdict import Verdict
from vislab.check.weights import too_large

# (notebook up to the check, where implementations run, number of the kernel) -> record; None where nobody came to the check.
Again = Callable[[NotebookNode, Bench, int], CheckRecord | None]


def apart(exercise: Exercise) -> bool:
    """Return whether an exercise's check answers nothing in the notebook's own run."""
    return isinstance(exercise.probe, (SuiteProbe, ModelProbe))


def judged_in_kernels(exercise: Exercise, notebook: NotebookNode, again: Again) -> CheckRecord | None:
    """Judge a test-suite exercise in kernels in which nothing else is checked.

    Args:
        exercise: with its implementations.
        notebook: the whole.
        again: runs a notebook in a fresh kernel in which this check alone is served.

    Returns:
        What was caught in every kernel; None where the notebook lacks the check cell.
    """
    shortened = up_to_check(notebook, exercise.name)
    probe = exercise.probe
    assert isinstance(probe, SuiteProbe)
    if shortened is None:
        return None
    records: list[CheckRecord] = []
    with lent_bench(exercise) as bench:
        for number in range(probe.kernels):
            record = again(shortened, bench, number)
            if record is None:
                break
            records.append(record)
            # nothing was caught, or it ended badly: another kernel cannot change that.
            if not any(case.verdict is Verdict.OK for case in record.cases):
                break
    return merged(exercise, records) if records else None


def up_to_check(notebook: NotebookNode, name: str) -> NotebookNode | None:
    """Return a copy of a notebook that ends with a check cell: what follows it cannot count. None where it has no such cell."""
    places = [index for index, cell in enumerate(notebook.cells) if check_of(cell) == name]
    if not places:
        return None
    shortened = copy.copy(notebook)
    shortened.cells = notebook.cells[: places[-1] + 1]
    return shortened


def oversized_weights(exercises: Iterable[Exercise], files: Mapping[str, bytes]) -> set[str]:
    """Return the names of files of weights that are larger than their exercise takes."""
    probes = [exercise.probe for exercise in exercises if isinstance(exercise.probe, ModelProbe)]
    return {probe.file for probe in probes if too_large(len(files.get(probe.file, b"")), probe.size_mib) is not None}
