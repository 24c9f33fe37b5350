"""All submissions of one assignment, each with a definite record, whatever arrived."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.intake.limits import DEFAULT_FOLDER, FolderLimits, IntakeError
from autograder.intake.note import printable
from autograder.intake.record import IntakeRecord, save_record
from autograder.intake.submission import check_extra_names, intake_submission
from autograder.intake.template import Template, load_templates
from autograder.intake.writing import WriteError, remove_stale

# letters of any script; no sign that means something to a shell, a glob, a URL or a page.
_STUDENT = re.compile(r"\w[\w .@+-]{0,99}")
Progress = Callable[[IntakeRecord, int, int], None]


@dataclass(frozen=True)
class IntakeSummary:
    """What became of an assignment's submissions.

    Args:
        assignment: its name.
        records: one per submission, by student.
        stale: students whose cleaned copy is still there although their submission is gone; left for the instructor to decide.
    """

    assignment: str
    records: tuple[IntakeRecord, ...]
    stale: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[IntakeRecord, ...]:
        """Submissions that intake could not take: no student's fault."""
        return tuple(record for record in self.records if record.status == "error")

    def to_json(self) -> dict[str, Any]:
        counts = {status: 0 for status in ("ok", "repaired", "missing", "unreadable", "error")}
        for record in self.records:
            counts[record.status] += 1
        return {
            "assignment": self.assignment,
            "submissions": len(self.records),
            "counts": counts,
            "records": [record.to_json() for record in self.records],
            "stale": list(self.stale),
        }


def student_problem(name: str) -> str | None:
    """Say what is wrong with a student's folder name; None where nbgrader can use it."""
    if _STUDENT.fullmatch(name) and not name.endswith((" ", ".")):
        return None
    return "a student's name is made of letters, digits, '.', '@', '+', '-', '_' and inner blanks, at most 100; rename the folder"


def intake_assignment(
    course: Path,
    assignment: str,
    notebooks: Sequence[str],
    symbols: Mapping[str, str],
    extra_files: Sequence[str] = (),
    *,
    students: Collection[str] | None = None,
    release: Path | None = None,
    submitted: str = "submitted",
    intake: str = "intake",
    ledgers: str = "ledgers",
    limits: FolderLimits = DEFAULT_FOLDER,
    progress: Progress | None = None,
) -> IntakeSummary:
    """Clean every submission of an assignment and keep a record of each under ``ledgers/<assignment>/<student>/intake.json``.

    A submission that cannot be taken (a disk that is full, a folder name that nbgrader cannot use, a fault of ours) gets a record with
    ``error``; the others go on. No exception of a submission leaves this function.

    Args:
        course: root of the course.
        assignment: its name.
        notebooks: stems of the expected notebooks, in reading order.
        symbols: exercise name to the name the student defines.
        extra_files: names of further files that a submission may bring.
        students: take these alone; None takes everybody.
        release: folder of the release notebooks; ``release/<assignment>`` by default.
        submitted: name of the folder below ``course`` that holds what arrived.
        intake: name of the folder for the cleaned copies.
        ledgers: name of the folder for the records.
        limits: what is looked at in one submission.
        progress: called after each submission with its record, how many are done, and how many there are.

    Raises:
        IntakeError: the release is missing or broken, or the arguments cannot work.
    """
    if not notebooks:
        raise IntakeError(f"assignment {assignment!r} has no notebooks; name them in its assignment.toml")
    check_extra_names(extra_files)
    templates = load_templates(release or course / "release" / assignment, notebooks, symbols)
    cleaned_root, ledger_root = course / intake, course / ledgers
    folders = _folders(course / submitted, assignment)
    if students is not None:
        folders = [folder for folder in folders if folder.parent.name in students]
    records = []
    try:
        for done, folder in enumerate(folders, start=1):
            record = _one(folder, cleaned_root, ledger_root, templates, extra_files, limits)
            records.append(record)
            if progress is not None:
                progress(record, done, len(folders))
    finally:
        for root in (cleaned_root, ledger_root):
            remove_stale(root)
    known = {folder.parent.name for folder in folders}
    stale = [folder.parent.name for folder in _folders(cleaned_root, assignment) if folder.parent.name not in known]
    return IntakeSummary(assignment, tuple(records), () if students is not None else tuple(printable(name) for name in stale))


def _folders(root: Path, assignment: str) -> list[Path]:
    if not root.is_dir():
        return []
    students = sorted(path for path in root.iterdir() if not path.name.startswith(".") and (path.is_dir() or path.is_symlink()))
    return [path / assignment for path in students if (path / assignment).exists() or (path / assignment).is_symlink()]


def _one(
    folder: Path, cleaned: Path, ledgers: Path, templates: Mapping[str, Template], extra_files: Sequence[str], limits: FolderLimits
) -> IntakeRecord:
    student, assignment = folder.parent.name, folder.name
    problem = student_problem(student)
    if problem is not None:
        return IntakeRecord(printable(student), assignment, error=f"folder {printable(student)!r}: {problem}")
    try:
        for path in (folder.parent, folder):
            if path.is_symlink() or not path.is_dir():
                raise IntakeError(f"{path} is a symbolic link or no folder; put the submission itself there")
        record = intake_submission(
            folder,
            cleaned / student / assignment,
            templates,
            extra_files,
            student=student,
            assignment=assignment,
            limits=limits,
            root=cleaned,
        )
    except Exception as error:
        # whatever it is, it must not cost the other submissions their grading.
        record = IntakeRecord(student, assignment, error=_words(error))
    try:
        save_record(record, ledgers)
    except OSError as error:
        return IntakeRecord(student, assignment, notebooks=record.notebooks, notes=record.notes, error=record.error or _words(error))
    return record


def _words(error: Exception) -> str:
    if isinstance(error, IntakeError):
        return str(error)
    if isinstance(error, WriteError):
        return str(error.strerror)
    if isinstance(error, OSError):
        remedy = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it readable"
        return f"{error.filename or 'a temporary file'}: {error.strerror or error}; {remedy} and run intake again"
    return f"{type(error).__name__}: {error}"
