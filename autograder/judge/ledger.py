"""The ledger: what the judge writes about one notebook of one submission, and its canonical part, the receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.exercise.exercise import Exercise
from autograder.judge.records import CheckRecord, Ending
from autograder.judge.scoring import ExerciseScore, score
from vislab.check.verdict import OBSERVED_FAMILIES, RESOURCE_VERDICTS, Verdict

SCHEMA = 1


@dataclass(frozen=True)
class Subject:
    """What a ledger is about.

    Args:
        assignment: name.
        notebook: stem.
        submission_hash: of the frozen notebook and its listed files.
        assignment_digest: of the assignment's definition.
        versions: of everything that can move a number.
    """

    assignment: str
    notebook: str
    submission_hash: str
    assignment_digest: str
    versions: Mapping[str, str]


def make_ledger(
    subject: Subject,
    exercises: Sequence[Exercise],
    records: Mapping[str, CheckRecord],
    intake: Sequence[Mapping[str, str]],
    unreadable: str | None = None,
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the ledger of a graded notebook.

    Args:
        subject: what it is about.
        exercises: of this notebook, in its order.
        records: by exercise name; a missing one was never reached.
        intake: what intake repaired: ``code`` and ``text``.
        unreadable: why nothing could be read, for a file that is no notebook.
        run: facts of the run that are no part of the receipt (times, runs, limits hit).
    """
    entries = []
    for exercise in exercises:
        record = records.get(exercise.name) or CheckRecord(exercise.name, Ending.ABSENT)
        entries.append(_entry(exercise, record, score(exercise, record), unreadable is not None))
    core = [entry for entry in entries if not entry["bonus"]]
    status = Verdict.UNREADABLE if unreadable is not None else "GRADED"
    if any(entry["verdict"] == Verdict.GRADER_ERROR for entry in entries):
        status = Verdict.GRADER_ERROR
    return {
        "schema": SCHEMA,
        "assignment": subject.assignment,
        "notebook": subject.notebook,
        "status": str(status),
        "submission_hash": subject.submission_hash,
        "assignment_digest": subject.assignment_digest,
        "versions": dict(subject.versions),
        "intake": [dict(note) for note in intake],
        "unreadable": unreadable or "",
        "exercises": entries,
        "points": round(sum(entry["points"] for entry in core), 6),
        "max_points": round(sum(entry["max_points"] for entry in core), 6),
        "bonus_points": round(sum(entry["points"] for entry in entries if entry["bonus"]), 6),
        "run": dict(run or {}),
    }


def make_error_ledger(subject: Subject, exercises: Sequence[Exercise], error: str) -> dict[str, Any]:
    """Write the ledger of a notebook that could not be graded through a fault of ours: no marks, listed as ungraded."""
    records = {exercise.name: CheckRecord(exercise.name, Ending.ABSENT, error=error) for exercise in exercises}
    ledger = make_ledger(subject, exercises, records, [])
    for entry in ledger["exercises"]:
        entry["verdict"] = str(Verdict.GRADER_ERROR)
    return {**ledger, "status": str(Verdict.GRADER_ERROR), "error": error}


def receipt(ledger: Mapping[str, Any]) -> bytes:
    """Return the canonical, re-computable part of a ledger as bytes: no clock, host name or measured number."""
    kept = {key: ledger[key] for key in ("schema", "assignment", "notebook", "status", "submission_hash", "assignment_digest", "versions")}
    kept["intake"] = [note.get("code", "") for note in ledger["intake"]]
    kept["points"] = [ledger["points"], ledger["max_points"], ledger["bonus_points"]]
    kept["exercises"] = [
        {
            "name": entry["name"],
            "verdict": entry["verdict"],
            "points": entry["points"],
            "families": [[family["family"], family["earned"], family["max"]] for family in entry["families"]],
            "cases": [[case["name"], case["verdict"], case["seed"], case["resource"]] for case in entry["cases"]],
        }
        for entry in ledger["exercises"]
    ]
    return json.dumps(kept, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def _entry(exercise: Exercise, record: CheckRecord, scored: ExerciseScore, unreadable: bool) -> dict[str, Any]:
    verdict = scored.verdict
    if unreadable:
        verdict = Verdict.UNREADABLE
    elif record.ending is Ending.ABSENT:
        verdict = Verdict.RUNTIME_ERROR if record.error else Verdict.NOT_ATTEMPTED
    return {
        "name": exercise.name,
        "title": exercise.title,
        "bonus": exercise.bonus,
        "probe": exercise.probe.kind,
        "verdict": str(verdict),
        "ending": str(record.ending),
        "points": scored.earned,
        "proven_points": scored.proven,
        "observed_points": scored.observed,
        "max_points": round(exercise.points_total, 6),
        "families": [
            {
                "family": str(family.family),
                "proven": family.family not in OBSERVED_FAMILIES,
                "earned": family.earned,
                "max": family.maximum,
                "passed": family.passed,
                "total": family.total,
                "gated": family.gated,
            }
            for family in scored.families
        ],
        "cases": [
            {
                "name": case.name,
                "family": str(case.family),
                "verdict": str(case.verdict),
                "text": case.text,
                "message": message(exercise.name, str(case.family), case.name, case.text) if case.verdict is not Verdict.OK else "",
                "seed": case.seed,
                "resource": case.verdict in RESOURCE_VERDICTS,
            }
            for case in record.cases
        ],
        "observed": {
            "mutated": record.observed.mutated,
            "rng_moved": record.observed.rng_moved,
            "forbidden": list(record.observed.forbidden),
            "tripped": list(record.observed.tripped),
            "switched": record.observed.switched,
            "over_budget": record.observed.over_budget,
        },
        "error": record.error,
    }


def message(exercise: str, family: str, case: str, text: str) -> str:
    """Return a failed case's message, such as ``[pose.soft_argmax · value · "two maxima"] max error 3.2 (allowed 1e-4)``."""
    return f'[{exercise} · {family} · "{case}"] {text}'
