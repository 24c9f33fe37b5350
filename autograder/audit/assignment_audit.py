"""Audit a whole assignment: every exercise by itself, then its notebooks through the walls."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

# every optimiser imports it, and an import that a case's limit cuts off in the middle cannot be had again in this process.
import torch._dynamo

from autograder.audit.answers import Answer, answers_in, read_check_call
from autograder.audit.exercise_audit import audit_exercise
from autograder.audit.model_audit import audit_model
from autograder.audit.notebook_audit import NotebookAudit, audit_notebooks
from autograder.audit.row import ExerciseAudit
from autograder.audit.suite_audit import audit_suite
from autograder.authoring.cell import Role
from autograder.authoring.lesson import Lesson, read_lesson
from autograder.engine.pool import worker_pool
from autograder.exercise.assignment import load_assignment
from autograder.exercise.model import ModelProbe
from autograder.exercise.suite import SuiteProbe
from vislab.check.budget import CI_VARIABLE

Progress = Callable[[str], None]
# probes whose exercises take longest: the interpreter, trainings, processes of their own.
DEAR = ("kernel", "behaviour", "model", "test-suite")


@dataclass
class AssignmentAudit:
    """Result of an audit: a row per exercise, a row per notebook and kind of run, and faults of neither."""

    assignment: str
    secrets: int
    exercises: list[ExerciseAudit] = field(default_factory=list)
    notebooks: list[NotebookAudit] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults and all(row.ok for row in self.exercises) and all(row.ok for row in self.notebooks)

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": self.assignment,
            "ok": self.ok,
            "secrets": self.secrets,
            "exercises": [row.as_json() for row in self.exercises],
            "notebooks": [row.as_json() for row in self.notebooks],
            "faults": self.faults,
        }


def audit_assignment(
    folder: Path,
    course_root: Path,
    *,
    secrets: int = 20,
    workers: int | None = None,
    walls: bool = True,
    only: Sequence[str] = (),
    progress: Progress = lambda line: None,
) -> AssignmentAudit:
    """Audit an assignment.

    Args:
        folder: ``assignments/aN_topic``.
        course_root: holds ``source/`` and ``release/``.
        secrets: number of course secrets that cases are redrawn under.
        workers: processes; default the number of processors.
        walls: also run the solved and the untouched notebooks through the sandbox.
        only: names of the exercises to audit; all of them by default. Notebooks are left out where it is given.
        progress: told one line as each part ends.

    Raises:
        ValueError: ``only`` names an exercise that the assignment does not have.
    """
    assignment = load_assignment(folder)
    lessons = {name: read_lesson(folder / "lessons" / f"{name}.py") for name in assignment.notebooks}
    audit = AssignmentAudit(assignment.name, secrets, faults=_stray_folders(folder, {e.file_stem for e in assignment.exercises.values()}))
    if unknown := sorted(set(only) - set(assignment.exercises)):
        raise ValueError(f"{folder.name} has no exercise {', '.join(unknown)}; it has {', '.join(sorted(assignment.exercises))}")
    asked = [(lesson.name, name) for lesson in lessons.values() for name in lesson.exercises if not only or name in only]
    # before Triton is first imported.
    os.environ["TRITON_INTERPRET"] = "1"
    workers = workers or os.cpu_count() or 1
    rows: dict[str, ExerciseAudit] = {}
    with worker_pool(workers) as pool:
        ordered = dear_first(asked, {name: exercise.probe.kind for name, exercise in assignment.exercises.items()})
        futures = {pool.submit(_audit_in_worker, str(folder), lesson, name, secrets): name for lesson, name in ordered}
        for future in as_completed(futures):
            name = futures[future]
            rows[name] = future.result()
            progress(f"{name}: {'ok' if rows[name].ok else 'FAULTY'}")
    audit.exercises = [rows[name] for _, name in asked]
    if walls and not only:
        audit.notebooks = audit_notebooks(assignment, course_root, workers, progress)
    return audit


def dear_first(asked: Sequence[tuple[str, str]], kinds: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return pairs of lesson and exercise in the order in which they are begun.

    One that takes long and begins last would keep a single core busy while nothing is left for the others.

    Args:
        asked: pairs in reading order, which is kept among equals.
        kinds: of probe, by exercise.
    """
    return sorted(asked, key=lambda pair: DEAR.index(kinds[pair[1]]) if kinds[pair[1]] in DEAR else len(DEAR))


def _audit_in_worker(folder: str, lesson_name: str, exercise_name: str, secrets: int) -> ExerciseAudit:
    torch.set_num_threads(1)
    # a bar for each training of each answer would bury the audit's own lines.
    os.environ[CI_VARIABLE] = "1"
    path = Path(folder)
    assignment = load_assignment(path)
    exercise = assignment.exercises[exercise_name]
    lesson = read_lesson(path / "lessons" / f"{lesson_name}.py")
    call = read_check_call(lesson.cell(Role.CHECK, exercise_name).source)
    with tempfile.TemporaryDirectory(prefix="vislab-audit-") as made:
        solution = _written(Path(made), "solution", lesson, lesson.solution_source(exercise_name))
        stub = _written(Path(made), "stub", lesson, lesson.stub_source(exercise_name))
        mutants, accepted = (answers_in(path / kind / exercise.file_stem) for kind in ("mutants", "accepted"))
        started_s = time.monotonic()
        # what answers print is theirs; the audit's own output may be read by a machine.
        with contextlib.redirect_stdout(io.StringIO()):
            if isinstance(exercise.probe, ModelProbe):
                row = audit_model(exercise, mutants, accepted, secrets)
            else:
                audit = audit_suite if isinstance(exercise.probe, SuiteProbe) else audit_exercise
                row = audit(exercise, call, solution, stub, mutants, accepted, secrets)
        row.seconds = round(time.monotonic() - started_s, 2)
        return row


def _written(folder: Path, name: str, lesson: Lesson, source: str) -> Answer:
    path = folder / f"{name}.py"
    path.write_text(f"{lesson.setup_source}\n\n{source}\n", encoding="utf-8")
    return Answer(name, path)


def _stray_folders(folder: Path, known: Sequence[str] | set[str]) -> list[str]:
    found = [path for kind in ("mutants", "accepted") for path in sorted((folder / kind).glob("*")) if path.is_dir()]
    return [
        f"{path.parent.name}/{path.name} belongs to no exercise; rename it or remove it"
        for path in found
        if path.name not in known and path.name != "__pycache__"
    ]
