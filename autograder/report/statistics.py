"""The figures of a report."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.report.material import Asked, ClassMaterial, Submission
from vislab.check.verdict import RESOURCE_VERDICTS, Verdict

# a correlation over fewer is noise.
DISCRIMINATION_MIN = 8
LOOKS_LIKE = "your answer looks like "
NOT_THERE = (str(Verdict.NOT_ATTEMPTED), str(Verdict.UNREADABLE), str(Verdict.GRADER_ERROR))


@dataclass(frozen=True)
class ExerciseRow:
    """How one exercise went.

    Args:
        asked: the exercise.
        graded: students whose notebook with it was graded.
        attempted: of these, those that wrote something.
        full: of these, those with every point.
        mean_share: mean share of its points over ``attempted``; None without any.
        discrimination: correlation of the exercise's points with those of all the others, over the class; None where it cannot be told.
        families: family to the share of its cases that failed, over ``attempted``; hidden cases alone.
        worst_case: the hidden case that most answers failed, and by how many; None where none failed.
        verdicts: how often each came.
        diagnoses: what wrong answers looked like, and how often.
        mutants: mutants that students reproduced, and how often.
        limits: how often a limit of time, memory or output was hit.
    """

    asked: Asked
    graded: int
    attempted: int
    full: int
    mean_share: float | None
    discrimination: float | None
    families: dict[str, float]
    worst_case: tuple[str, int] | None
    verdicts: dict[str, int]
    diagnoses: dict[str, int]
    mutants: dict[str, int]
    limits: int


@dataclass(frozen=True)
class Figures:
    """All figures of a class.

    Args:
        scores: points of each submission, in order.
        points_max: of the check cells without bonus.
        rows: one an exercise.
        run_s: wall time of each graded notebook, seconds, all runs of it together.
        again: notebooks that were run more than once: (student, notebook, runs).
        ungraded: what has no mark through a fault of ours, or of intake's: (student, where, why).
        waiting: cells that wait for a grader: (student, cells).
        changed: marks that a grader put in the judge's place: (student, notebook, cell, points, automatic).
        repairs: what intake repaired, and in how many notebooks.
    """

    scores: list[float]
    points_max: float
    rows: list[ExerciseRow]
    run_s: list[float]
    again: list[tuple[str, str, int]]
    ungraded: list[tuple[str, str, str]]
    waiting: list[tuple[str, int]]
    changed: list[tuple[str, str, str, float, float]]
    repairs: dict[str, int] = field(default_factory=dict)

    @property
    def median(self) -> float | None:
        return statistics.median(self.scores) if self.scores else None

    def as_json(self) -> dict[str, Any]:
        return {
            "submissions": len(self.scores),
            "points_max": self.points_max,
            "median": self.median,
            "ungraded": len(self.ungraded),
            "exercises": [
                {
                    "name": row.asked.name,
                    "graded": row.graded,
                    "attempted": row.attempted,
                    "full": row.full,
                    "mean_share": row.mean_share,
                    "discrimination": row.discrimination,
                    "families": row.families,
                    "verdicts": row.verdicts,
                    "diagnoses": row.diagnoses,
                    "mutants": row.mutants,
                    "limits": row.limits,
                }
                for row in self.rows
            ],
        }


def figures_of(material: ClassMaterial) -> Figures:
    """Compute everything that the report shows."""
    everybody = [each for each in material.submissions if each.ledgers]
    totals = {each.student: each.points for each in everybody}
    ungraded = [(each.student, "whole submission", each.refused) for each in material.submissions if each.refused]
    again, run_s, repairs = [], [], Counter[str]()
    for each in everybody:
        for notebook, ledger in each.ledgers.items():
            if ledger["status"] == Verdict.GRADER_ERROR:
                ungraded.append((each.student, notebook, str(ledger.get("error", ""))))
            times, apart = ledger["run"].get("wall_s", []), ledger["run"].get("apart_s", [])
            run_s += [sum(times) + sum(apart)] if times else []
            if len(times) > 1:
                again.append((each.student, notebook, len(times)))
            repairs.update({note["code"] for note in ledger["intake"]})
    changed = [
        (each.student, mark.notebook, mark.cell, mark.points, mark.automatic)
        for each in material.submissions
        if each.entry is not None
        for mark in each.entry.changed
    ]
    waiting = [(each.student, len(each.entry.waiting)) for each in material.submissions if each.entry is not None and each.entry.waiting]
    return Figures(
        scores=list(totals.values()),
        points_max=sum(asked.points for asked in material.exercises if not asked.bonus),
        rows=[_row(asked, everybody, totals) for asked in material.exercises],
        run_s=run_s,
        again=again,
        ungraded=ungraded,
        waiting=waiting,
        changed=changed,
        repairs=_frequent_first(repairs),
    )


def _row(asked: Asked, everybody: Sequence[Submission], totals: dict[str, float]) -> ExerciseRow:
    found = {each.student: entry for each in everybody for entry in each.exercises if entry["name"] == asked.name}
    attempted = {student: entry for student, entry in found.items() if entry["verdict"] not in NOT_THERE}
    failed, seen, cases, diagnoses, mutants = Counter[str](), Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    limits = 0
    for entry in attempted.values():
        hidden = [case for case in entry["cases"] if case["name"] in asked.hidden]
        seen.update(case["family"] for case in hidden)
        wrong = [case for case in hidden if case["verdict"] != Verdict.OK]
        failed.update(case["family"] for case in wrong)
        cases.update(case["name"] for case in wrong)
        diagnoses.update({text for case in wrong if (text := diagnosis(case["text"]))})
        mutants.update(reproduced(asked, {case["name"] for case in entry["cases"] if case["verdict"] != Verdict.OK}))
        limits += any(case["verdict"] in RESOURCE_VERDICTS for case in entry["cases"])
    shares = [entry["points"] / asked.points for entry in attempted.values() if asked.points]
    worst = list(_frequent_first(cases).items())
    return ExerciseRow(
        asked=asked,
        graded=len(found),
        attempted=len(attempted),
        full=sum(entry["points"] >= asked.points - 1e-9 for entry in attempted.values()),
        mean_share=statistics.fmean(shares) if shares else None,
        discrimination=_discrimination({student: float(entry["points"]) for student, entry in found.items()}, totals),
        families={family: failed[family] / seen[family] for family in seen},
        worst_case=worst[0] if worst else None,
        verdicts=_frequent_first(Counter(str(entry["verdict"]) for entry in found.values())),
        diagnoses=_frequent_first(diagnoses),
        mutants=_frequent_first(mutants),
        limits=limits,
    )


def diagnosis(text: str) -> str | None:
    """Return what a failed case's message says the answer looks like."""
    _, sign, rest = text.partition(LOOKS_LIKE)
    return rest if sign else None


def reproduced(asked: Asked, failed: set[str]) -> list[str]:
    """Return the mutants that fail exactly the cases which an answer failed: the same mistake, most likely."""
    return sorted(name for name, kills in asked.kills.items() if kills and kills == failed)


def _frequent_first(counts: Counter[str]) -> dict[str, int]:
    """Return counts, the largest first; equal ones by name, so that the same class gives the same page in every process."""
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _discrimination(points: dict[str, float], totals: dict[str, float]) -> float | None:
    rest = {student: totals[student] - own for student, own in points.items()}
    if len(points) < DISCRIMINATION_MIN or len(set(points.values())) < 2 or len(set(rest.values())) < 2:
        return None
    students = list(points)
    return statistics.correlation([points[student] for student in students], [rest[student] for student in students])
