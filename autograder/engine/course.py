"""A course folder: where submissions, ledgers and the gradebook of one term lie, and how a job is made from them."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from autograder.engine.grade_one import assignment_at, grade_one, versions
from autograder.engine.job import Job, Result
from autograder.engine.plain_tests import with_hidden_tests
from autograder.engine.secret import read_secret
from autograder.engine.store import LedgerStore
from autograder.exercise.assignment import Assignment, assignment_folder
from autograder.intake.record import IntakeRecord, load_record
from autograder.sandbox.choice import Start

REPOSITORY = Path(__file__).resolve().parents[2]
GRADING_ROOMS = ("autograder/exercise", "autograder/judge", "autograder/sandbox", "autograder/engine", "vislab")


class CourseError(ValueError):
    """A course folder that lacks what a step needs; the message names the command that makes it."""


@dataclass(frozen=True)
class Course:
    """One course folder.

    Args:
        root: holds ``release/``, ``submitted/``, ``intake/``, ``ledgers/`` and the gradebook: where nbgrader runs.
        assignments_root: holds the assignments' folders; the repository's own by default.
    """

    root: Path
    assignments_root: Path = REPOSITORY / "assignments"

    @property
    def store(self) -> LedgerStore:
        return LedgerStore(self.root / "ledgers")

    def assignment(self, name: str) -> Assignment:
        """Load an assignment, once per state of its files.

        Raises:
            AssignmentError: an unknown name; the message lists the known ones.
        """
        return assignment_at(assignment_folder(self.assignments_root, name).resolve())

    def release_folder(self, assignment: str) -> Path:
        """Return the assignment's built release.

        Raises:
            CourseError: it is not built.
        """
        folder = self.root / "release" / assignment
        if not folder.is_dir():
            here = f"type 'nbgrader generate_assignment {assignment} --force' in {self.root}, beside a copy of the repository's source/"
            remedy = f"run 'python -m autograder build {assignment}'" if self.root == REPOSITORY else here
            raise CourseError(f"{folder} is missing; {remedy}")
        return folder

    def students(self, assignment: str) -> list[str]:
        """Return the students whose submission has gone through intake, sorted."""
        return sorted(path.parent.name for path in (self.root / "intake").glob(f"*/{assignment}") if path.is_dir())

    def jobs(self, assignment: str, students: list[str] | None = None, walls: bool = True, start: Start = Start.AUTO) -> list[Job]:
        """Return a job for every notebook that intake let through, in order of student and notebook.

        Raises:
            CourseError: intake has not been run for a submission. One that intake could not take is left out: its record says why, and
                the cleaned copy that may lie there is of an earlier submission.
        """
        loaded = self.assignment(assignment)
        return [
            self.job(assignment, student, notebook, walls, start)
            for student in (self.students(assignment) if students is None else students)
            if not self._refused(assignment, student)
            for notebook in loaded.notebooks
            if (self.root / "intake" / student / assignment / f"{notebook}.ipynb").is_file()
        ]

    def job(self, assignment: str, student: str, notebook: str, walls: bool = True, start: Start = Start.AUTO) -> Job:
        """Return the job of one notebook.

        Raises:
            CourseError: intake has not been run for it.
            SecretError: no fit course secret.
        """
        path = self.root / "intake" / student / assignment / f"{notebook}.ipynb"
        record = self._intake_record(assignment, student)
        entry = record.notebook(notebook) if record is not None else None
        if not path.is_file() or record is None or entry is None or entry.submission_hash is None:
            raise CourseError(f"{path} has not gone through intake; run 'python -m autograder intake {assignment}'")
        loaded = self.assignment(assignment)
        extra = {name: (path.parent / name).read_bytes() for name in loaded.extra_files if (path.parent / name).is_file()}
        return Job(
            student=student,
            assignment=assignment,
            notebook=notebook,
            content=with_hidden_tests(path.read_bytes(), self.root / "source" / assignment / f"{notebook}.ipynb"),
            submission_hash=entry.submission_hash,
            assignment_folder=loaded.folder,
            work_folder=self.release_folder(assignment),
            secret=read_secret(),
            intake=tuple({"code": note.code, "text": note.text} for note in (*record.notes, *entry.notes)),
            unreadable=(entry.reason or "the file could not be read") if entry.status == "unreadable" else None,
            extra_files=extra,
            walls=walls,
            start=start,
        )

    def key(self, job: Job) -> str:
        """Return the content key under which the job's result is stored."""
        return job.key(assignment_at(job.assignment_folder).digest, grader_digest())

    def _refused(self, assignment: str, student: str) -> bool:
        record = self._intake_record(assignment, student)
        return record is not None and record.error is not None

    def _intake_record(self, assignment: str, student: str) -> IntakeRecord | None:
        try:
            return load_record(self.store.root, assignment, student)
        except ValueError as error:
            raise CourseError(str(error)) from error


def grade_stored(course: Course, job: Job, force: bool = False) -> Result:
    """Return a job's result from the store, or grade it and store it.

    Args:
        force: grade again although the store has it.
    """
    key = course.key(job)
    if not force and (stored := course.store.get(job.assignment, job.student, job.notebook, key)) is not None:
        return stored
    result = grade_one(job)
    keep(course, job, result)
    return result


def keep(course: Course, job: Job, result: Result) -> None:
    """Store a result. A failure of ours is kept for the reports under a key that nothing asks for, so that the next run tries again."""
    key = course.key(job)
    course.store.put(job.assignment, job.student, job.notebook, f"error-{key}" if result.is_grader_error else key, result)


@functools.lru_cache(maxsize=1)
def grader_digest() -> str:
    """Return SHA-256 over the code that decides a mark, and the versions that can move a number."""
    digest = hashlib.sha256(json.dumps(versions(), sort_keys=True).encode())
    for room in GRADING_ROOMS:
        for path in sorted((REPOSITORY / room).rglob("*.py")):
            digest.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
