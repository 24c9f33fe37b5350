"""Run an assignment's own notebooks through intake, walls and judge: solved ones must earn everything, untouched ones nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from autograder.audit.answers import answers_in
from autograder.audit.model_audit import weights_file
from autograder.engine.grade_one import grade_one
from autograder.engine.job import Job
from autograder.engine.pool import worker_pool
from autograder.exercise.assignment import Assignment
from autograder.exercise.model import ModelProbe

SECRET = hashlib.sha256(b"audit of notebooks").digest()


@dataclass
class NotebookAudit:
    """One run: ``kind`` is "solved" or "untouched"."""

    notebook: str
    kind: str
    points: float = 0.0
    max_points: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def audit_notebooks(assignment: Assignment, course_root: Path, workers: int, progress: Callable[[str], None]) -> list[NotebookAudit]:
    """Grade the solved source and the untouched release of every notebook.

    Args:
        assignment: whose built notebooks lie under ``course_root``.
        course_root: holds ``source/`` and ``release/``.
        workers: processes.
        progress: told one line per run.
    """
    release = course_root / "release" / assignment.name
    jobs = []
    for notebook in assignment.notebooks:
        for kind, folder in (("solved", course_root / "source" / assignment.name), ("untouched", release)):
            path = folder / f"{notebook}.ipynb"
            if not path.is_file():
                raise FileNotFoundError(f"{path} is not built; run 'python -m autograder build {assignment.name}' first")
            jobs.append((kind, _job(assignment, notebook, path, release, _weights(assignment) if kind == "solved" else {})))
    rows: dict[tuple[str, str], NotebookAudit] = {}
    with worker_pool(min(len(jobs), workers)) as pool:
        # solved ones take longest; what is short fills the cores up at the end.
        solved_first = sorted(jobs, key=lambda pair: pair[0] != "solved")
        futures = {pool.submit(grade_one, job): (job.notebook, kind) for kind, job in solved_first}
        for future in as_completed(futures):
            notebook, kind = futures[future]
            rows[notebook, kind] = _row(notebook, kind, future.result().ledger)
            progress(f"{notebook}, {kind}: {'ok' if rows[notebook, kind].ok else 'FAULTY'}")
    return [rows[job.notebook, kind] for kind, job in jobs]


def _job(assignment: Assignment, notebook: str, path: Path, release: Path, extra_files: Mapping[str, bytes]) -> Job:
    content = nbformat.read(path, as_version=4)
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    text = nbformat.writes(content)
    digest = hashlib.sha256(json.dumps([cell.source for cell in content.cells if cell.cell_type == "code"]).encode()).hexdigest()
    return Job(
        student="audit",
        assignment=assignment.name,
        notebook=notebook,
        content=text.encode("utf-8"),
        submission_hash=digest,
        assignment_folder=assignment.folder,
        work_folder=release,
        secret=SECRET,
        extra_files=extra_files,
    )


def _weights(assignment: Assignment) -> dict[str, bytes]:
    """Return the weights that stand for the solution of each model exercise."""
    found = {}
    for exercise in assignment.exercises.values():
        answers = answers_in(assignment.folder / "accepted" / exercise.file_stem) if isinstance(exercise.probe, ModelProbe) else []
        if answers and isinstance(exercise.probe, ModelProbe):
            found[exercise.probe.file] = weights_file(answers[0])
    return found


def _row(notebook: str, kind: str, ledger: dict[str, Any]) -> NotebookAudit:
    row = NotebookAudit(notebook, kind, ledger["points"] + ledger["bonus_points"], ledger["max_points"])
    for entry in ledger["exercises"]:
        wanted = entry["max_points"] if kind == "solved" else 0.0
        if abs(entry["points"] - wanted) > 1e-9:
            messages = [case["message"] for case in entry["cases"] if case["message"]]
            row.faults.append(
                f"{entry['name']} ({entry['verdict']}) earns {entry['points']:g}, expected {wanted:g}: {messages[:2] or entry['error']}"
            )
        if kind == "untouched" and entry["verdict"] != "NOT_ATTEMPTED":
            row.faults.append(f"{entry['name']} of the untouched release is {entry['verdict']}, expected NOT_ATTEMPTED")
    if ledger["status"] == "GRADER_ERROR":
        row.faults.append(f"the grader failed: {ledger.get('error', '')}")
    return row
