"""What it takes to grade a class: against plain nbgrader, with walls and without, with one worker and two, for few and for many."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from autograder.exercise.assignment import Assignment
from benchmarks.grading.contenders import ENGINE, ENGINE_ALONE, FRESH_ALONE, NBGRADER, NO_WALLS, Contender, Graded, grade_class
from benchmarks.grading.school import School, found_school
from benchmarks.timing import median_ratio

CONTENDERS = (ENGINE, ENGINE_ALONE, FRESH_ALONE, NO_WALLS, NBGRADER)

Progress = Callable[[str], None]


class GateError(RuntimeError):
    """The ways to grade do not give the same marks: no figure is worth printing."""


def measure_class(
    built: Path, assignment: Assignment, notebook: str, students: int, rounds: int, progress: Progress = lambda line: None
) -> dict[str, Any]:
    """Grade one class in every way, in turns.

    Args:
        built: the folder that holds ``source/`` and ``release/``.
        notebook: what everybody hands in.
        students: how many.
        rounds: how often everything is graded each way.
        progress: told each command before it starts.

    Returns:
        ``speedup_vs_nbgrader`` (with two workers), ``speedup_vs_nbgrader_1_worker``, ``same_marks``;
        ``overhead_s``: a submission's share of the command's time, less the time that its kernels ran; one worker;
        ``student_share``: share of the command's time in which kernels ran; one worker;
        ``walls_cost``: share by which walls lengthen the command, fresh kernels and one worker on both sides;
        ``two_workers``: one worker's time over two workers';
        ``ways``: of each way seconds and processor seconds a submission, and memory of the command's own process.

    Raises:
        GateError: receipts depend on how kernels are started or on the number of workers, or marks on the walls.
    """
    with tempfile.TemporaryDirectory(prefix="vislab-class-") as place:
        school = found_school(Path(place), built, assignment, notebook, students)
        found: dict[str, list[Graded]] = {contender.name: [] for contender in CONTENDERS}
        for turn in range(rounds):
            for contender in CONTENDERS if turn % 2 == 0 else reversed(CONTENDERS):
                progress(f"round {turn + 1} of {rounds}: {contender.name}")
                found[contender.name].append(grade_class(school, contender))
    _require_same(found)

    def times(contender: Contender) -> list[float]:
        return [graded.wall_s for graded in found[contender.name]]

    alone = found[ENGINE_ALONE.name]
    return {
        "submissions": students,
        "speedup_vs_nbgrader": round(median_ratio(times(NBGRADER), times(ENGINE)), 2),
        "speedup_vs_nbgrader_1_worker": round(median_ratio(times(NBGRADER), times(ENGINE_ALONE)), 2),
        "same_marks": True,
        "overhead_s": round(median((graded.wall_s - sum(graded.run_s)) / students for graded in alone), 2),
        "student_share": round(median(sum(graded.run_s) / graded.wall_s for graded in alone), 3),
        "walls_cost": round(median_ratio(times(FRESH_ALONE), times(NO_WALLS)) - 1, 3),
        "two_workers": round(median_ratio(times(ENGINE_ALONE), times(ENGINE)), 2),
        "ways": [_row(contender, found[contender.name], students) for contender in CONTENDERS],
    }


def measure_growth(
    built: Path, assignment: Assignment, notebook: str, exercise: str, sizes: Sequence[int], progress: Progress = lambda line: None
) -> dict[str, Any]:
    """Grade classes of growing size whose submissions take equally long: one exercise each.

    Returns:
        ``growth``: of each size seconds a submission, the most memory that the command's own process held, and its processor seconds
        (``writer_s``), start included;
        ``growth_50_to_1000``: seconds a submission of the largest class over those of the smallest;
        ``speedup_vs_nbgrader_one_exercise``: plain nbgrader's time over the engine's with two workers, for the smallest class: what is
        left of a submission when its own computing is next to nothing.
    """
    rows = []
    nbgrader_s_each = 0.0
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="vislab-growth-") as place:
            progress(f"a class of {size}")
            school: School = found_school(Path(place), built, assignment, notebook, size, exercise)
            graded = grade_class(school, ENGINE)
            if not rows:
                progress(f"a class of {size}: {NBGRADER.name}")
                nbgrader_s_each = grade_class(school, NBGRADER).wall_s / size
            row = {"submissions": size, "s_each": round(graded.wall_s / size, 3), "memory_mib": round(graded.memory_mib)}
            rows.append(row | {"writer_s": round(graded.own_cpu_s, 2)})
    return {
        "growth": rows,
        "growth_50_to_1000": round(rows[-1]["s_each"] / rows[0]["s_each"], 3),
        "speedup_vs_nbgrader_one_exercise": round(nbgrader_s_each / rows[0]["s_each"], 2),
    }


def _require_same(found: dict[str, list[Graded]]) -> None:
    right = found[FRESH_ALONE.name][0]
    for contender in (ENGINE, ENGINE_ALONE, FRESH_ALONE):
        for graded in found[contender.name]:
            differing = sorted(student for student in right.receipts if graded.receipts.get(student) != right.receipts[student])
            if differing or len(graded.receipts) != len(right.receipts):
                raise GateError(
                    f"{contender.name}: receipts differ from those of {FRESH_ALONE.name}: {', '.join(differing) or 'some are missing'}"
                )
    for contender in (ENGINE, ENGINE_ALONE, NO_WALLS):
        for graded in found[contender.name]:
            if graded.marks != right.marks:
                raise GateError(f"{contender.name}: marks in the gradebook differ from those of {FRESH_ALONE.name}")


def _row(contender: Contender, graded: Sequence[Graded], students: int) -> dict[str, Any]:
    return {
        "way": contender.name,
        "s_each": round(median(each.wall_s for each in graded) / students, 2),
        "cpu_s_each": round(median(each.cpu_s for each in graded) / students, 2),
        "memory_mib": round(max(each.memory_mib for each in graded)),
    }
