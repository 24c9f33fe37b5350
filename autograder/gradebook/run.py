"""nbgrader's own steps, run in this process: what the command line does once the store is filled."""

from __future__ import annotations

import glob
import logging
import re
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy.exc
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.gradebook.export import CsvExport
from autograder.gradebook.hooks import prepare_nbgrader
from autograder.gradebook.lock import GradebookBusy, is_lock, message_for, sqlite_path, wait_until_free
from autograder.gradebook.schedule import ScheduleError, read_schedule, sync_assignment

CONFIG = "nbgrader_config.py"
SHIPPED_CONFIG = Path(__file__).resolve().parents[2] / CONFIG
TRIES = 3
# what nbgrader logs around the reason why it gives a submission up.
BESIDE_THE_POINT = ("There was an error processing", "Please see the", "Removing failed assignment")
TRACE = "Traceback (most recent call last)"
# the line of a trace that names the error, at the line's start: nothing that a student wrote stands there.
LOGGED_FAULT = re.compile(
    r"(?:[\w.]*OperationalError|nbgrader\.api\.InvalidEntry): \(sqlite3\.OperationalError\) (?P<database>.*)"
    r"|OSError: \[Errno \d+\] (?P<disk>.*)"
)

Progress = Callable[[str], None]


class GradebookError(RuntimeError):
    """nbgrader refused a step for the whole assignment."""


@dataclass(frozen=True)
class Outcome:
    """What a step did.

    Args:
        done: students, in order; empty for a step that concerns the assignment.
        failed: students for whom nbgrader gave up.
        log: nbgrader's warnings and errors, one line each.
        reasons: student to what nbgrader said before it gave up, in one line.
    """

    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, later: Outcome) -> Outcome:
        """Return what both did, one after the other."""
        return Outcome(self.done + later.done, self.failed + later.failed, self.log + later.log, {**self.reasons, **later.reasons})


def load_config(course_root: Path) -> Config:
    """Return nbgrader's configuration of a course: its own ``nbgrader_config.py``, otherwise the shipped one."""
    own = course_root / CONFIG
    path = own if own.exists() else SHIPPED_CONFIG
    # a parser of its own: nbgrader's applications would read the command line of whoever called us.
    config = PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    config.CourseDirectory.root = str(course_root.resolve())
    return config


def generate_assignment(course_root: Path, assignment: str) -> Outcome:
    """Tell the gradebook of an assignment: ``nbgrader generate_assignment`` from ``source``, and write its due date.

    A release that is there stays as it is, because students have it; without one, nbgrader's goes there.

    Raises:
        GradebookError: no source, or cells changed after submissions were graded.
        GradebookBusy: another program holds the gradebook.
    """
    with _session(course_root) as session:
        coursedir = session.coursedir
        coursedir.assignment_id = assignment
        release = Path(coursedir.format_path(coursedir.release_directory, ".", assignment))
        with tempfile.TemporaryDirectory(prefix="vislab-release-") as scratch:
            coursedir.release_directory = scratch
            try:
                session.start(GenerateAssignment, force=True)
            except NbGraderException as error:
                said = "; ".join(session.lines) or str(error)
                raise GradebookError(f"{assignment}: nbgrader could not generate the assignment: {said}") from error
            if not release.exists():
                shutil.copytree(Path(scratch) / assignment, release)
        _sync(session, assignment)
        return Outcome(log=tuple(session.lines))


def require_assignment(course_root: Path, assignment: str) -> None:
    """See to it that the gradebook knows the assignment: nbgrader would give up every single submission of it.

    Raises:
        GradebookError: it does not; the message names the command that tells it.
    """
    config = load_config(course_root)
    coursedir = CourseDirectory(config=config)
    path = sqlite_path(coursedir.db_url)
    prepare_nbgrader()
    # merely asking a gradebook that is not there would make one.
    if path is None or path.exists():
        try:
            with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
                gradebook.find_assignment(assignment)
                return
        except MissingEntry:
            pass
        except sqlalchemy.exc.OperationalError as error:
            if is_lock(error):
                # whoever writes marks waits for it, and names it.
                return
            raise GradebookError(
                f"{path or coursedir.db_url} cannot be read ({error.orig}); put back a copy, or mend what it says"
            ) from error
    remedy = f"type 'nbgrader generate_assignment {assignment} --force' in {coursedir.root}, then this command again"
    raise GradebookError(f"{path or coursedir.db_url} does not know the assignment {assignment}; {remedy}")


def autograde(
    course_root: Path, assignment: str, students: Sequence[str] | None = None, progress: Progress = lambda student: None, walls: bool = True
) -> Outcome:
    """Enter marks: ``nbgrader autograde --force``, one student after another, from what intake has written.

    Args:
        course_root: the course folder.
        assignment: its name.
        students: ids; None takes everybody in ``intake``.
        progress: called with each student's id when it is done.
        walls: False only where ``--unsafe-no-sandbox`` was typed out.

    Raises:
        GradebookBusy: another program holds the gradebook and does not let go, or it cannot be written.
    """
    with _session(course_root) as session:
        session.config.Execute.unsafe_no_sandbox = not walls
        # whoever calls this has run intake for the whole class.
        session.config.Autograde.pop("pre_convert_hook", None)
        return session.for_each(Autograde, session.coursedir.submitted_directory, assignment, students, progress)


def students_in(coursedir: CourseDirectory, assignment: str) -> list[str]:
    """Return whom ``autograde`` takes if it is told no names: everybody in ``intake``."""
    return _students(coursedir, coursedir.submitted_directory, assignment)


def generate_feedback(
    course_root: Path, assignment: str, students: Sequence[str] | None = None, progress: Progress = lambda student: None
) -> Outcome:
    """Write the feedback pages: ``nbgrader generate_feedback --force``, for everybody who is autograded; arguments as for ``autograde``."""
    with _session(course_root) as session:
        return session.for_each(GenerateFeedback, session.coursedir.autograded_directory, assignment, students, progress)


def export_csv(course_root: Path, path: Path, assignment: str | None = None) -> Path:
    """Write the marks as CSV: ``nbgrader export``.

    Args:
        course_root: the course folder.
        path: file to write.
        assignment: only this one.
    """
    with _session(course_root) as session:
        session.config.ExportPlugin.to = str(path)
        session.config.ExportPlugin.assignment = [assignment] if assignment else []
        with Gradebook(session.coursedir.db_url, session.coursedir.course_id) as gradebook:
            CsvExport(config=session.config, log=session.log).export(gradebook)
    return path


def _sync(session: _Session, assignment: str) -> None:
    root = session.config.CoursePart.get("assignments_root") or str(Path(session.coursedir.root) / "assignments")
    with Gradebook(session.coursedir.db_url, session.coursedir.course_id) as gradebook:
        try:
            sync_assignment(gradebook, read_schedule(Path(root), assignment), session.log)
        except ScheduleError as error:
            session.log.error("%s has no due date: %s", assignment, error)


@dataclass
class _Session:
    coursedir: CourseDirectory
    config: Config
    log: logging.Logger
    lines: list[str] = field(default_factory=list)

    def start(self, converter: type[BaseConverter], force: bool = False) -> None:
        """Run a converter; wait for a locked gradebook, a bounded number of times.

        Raises:
            NbGraderException: nbgrader gives the submission up.
            GradebookBusy: the gradebook stays locked, or cannot be written for want of room or permission.
        """
        for attempt in range(1, TRIES + 1):
            wait_until_free(self.coursedir.db_url)
            before = len(self.lines)
            try:
                converter(coursedir=self.coursedir, config=self.config, log=self.log, force=force).start()
                return
            except (NbGraderException, sqlalchemy.exc.OperationalError) as error:
                fault = passing_fault(error, self.lines[before:])
                told = message_for(self._place(fault), fault) if fault else None
                if fault is None or told is None:
                    raise
                # no room now is no room for the next student either, and whoever can make some sits at a terminal.
                if attempt == TRIES or not is_lock(fault):
                    raise GradebookBusy(told) from error
                del self.lines[before:]

    def _place(self, fault: Exception) -> Path | str:
        return self.coursedir.root if isinstance(fault, OSError) else sqlite_path(self.coursedir.db_url) or self.coursedir.db_url

    def for_each(
        self, converter: type[BaseConverter], directory: str, assignment: str, students: Sequence[str] | None, progress: Progress
    ) -> Outcome:
        """Run a converter for one student after another: what nbgrader gives up for one costs no other."""
        self.coursedir.assignment_id = assignment
        done: list[str] = []
        reasons: dict[str, str] = {}
        for student in _students(self.coursedir, directory, assignment) if students is None else students:
            self.coursedir.student_id = student
            said = len(self.lines)
            try:
                if glob.escape(student) != student:
                    # nbgrader reads ids as patterns: it would grade somebody else's notebooks.
                    raise NbGraderException(f"student id {student!r} must not hold '*', '?' or '['; rename the folder")
                self.start(converter, force=True)
            except NbGraderException as error:
                reasons[student] = _reason(self.lines[said:]) or str(error)
                self.log.error("%s: %s", student, error)
            else:
                done.append(student)
            progress(student)
        return Outcome(tuple(done), tuple(reasons), tuple(self.lines), reasons)


def _students(coursedir: CourseDirectory, directory: str, assignment: str) -> list[str]:
    """Return the students that have a folder there, found as nbgrader finds them."""
    before, _, after = coursedir.format_path(directory, "\0", assignment).partition("\0")
    found = glob.glob(glob.escape(before) + "*" + glob.escape(after))
    return sorted(path[len(before) : len(path) - len(after)] for path in found if Path(path).is_dir())


def _reason(lines: Sequence[str]) -> str:
    """Return what matters of the lines that nbgrader writes when it gives a submission up: no trace, nor lines that point to one."""
    traces = [line for line in lines if TRACE in line]
    told = [" ".join(line.split()) for line in lines if line not in traces and not line.startswith(BESIDE_THE_POINT)]
    return "; ".join(dict.fromkeys(told or [line.strip().splitlines()[-1] for line in traces]))


def passing_fault(error: BaseException, lines: Sequence[str]) -> Exception | None:
    """Return the database's or the disk's own error behind what nbgrader raised; None where it is something else.

    Args:
        error: as raised; nbgrader raises its own while it handles the database's, or long after it, and then has only logged that.
        lines: what was logged.
    """
    cause = error if isinstance(error, sqlalchemy.exc.OperationalError) else error.__context__
    if isinstance(cause, sqlalchemy.exc.OperationalError):
        return cause
    for line in lines:
        for last in line.splitlines() if TRACE in line else ():
            found = LOGGED_FAULT.fullmatch(last)
            if found:
                return sqlite3.OperationalError(found["database"]) if found["database"] else OSError(found["disk"])
    return None


@contextmanager
def _session(course_root: Path) -> Iterator[_Session]:
    config = load_config(course_root)
    log = logging.Logger("nbgrader")
    lines = _Lines()
    log.addHandler(lines)
    coursedir = CourseDirectory(config=config, log=log)
    with warnings.catch_warnings():
        prepare_nbgrader()
        wait_until_free(coursedir.db_url)
        yield _Session(coursedir, config, log, lines.texts)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
