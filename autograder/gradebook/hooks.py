"""What nbgrader calls around its own steps. Imported by ``nbgrader_config.py`` on every nbgrader command, so it imports little itself."""

from __future__ import annotations

import fnmatch
import glob
import os
import shutil
import sys
import warnings
from collections.abc import Sequence
from logging import Logger, LoggerAdapter
from pathlib import Path
from typing import Any

NAMES_SHOWN = 5
REPOSITORY = Path(__file__).resolve().parents[2]


def prepare_nbgrader() -> None:
    """Let nbgrader work where the virtual environment is used without being activated, and with SQLAlchemy 2."""
    # its models make SQLAlchemy complain for every new submission; nothing is lost by it.
    warnings.filterwarnings("ignore", message=r"Object of type <Submitted\w+> not in session")
    # it calls alembic by name.
    if shutil.which("alembic") is None:
        os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))


def require_intake(argv: Sequence[str], cwd: Path) -> None:
    """Stop ``nbgrader autograde`` where submissions have arrived that intake has not seen.

    nbgrader looks for submissions before it calls any hook: it would say that there are none, or grade the others in silence.

    Args:
        argv: the command line; any other command is let through.
        cwd: where it was typed.

    Raises:
        SystemExit: with one sentence that names the command to run first.
    """
    if len(argv) < 2 or "nbgrader" not in argv[0] or argv[1] != "autograde":
        return
    options, names = _parsed(argv[2:])
    assignment = options.get("assignment") or (names[0] if names else "")
    if not assignment:
        return
    root = cwd / options.get("course-dir", ".")
    pattern = options.get("student", "*")
    folders = sorted((root / "submitted").glob(f"*/{glob.escape(assignment)}"))
    arrived = [path.parent.name for path in folders if path.is_dir() and not path.parent.name.startswith(".")]
    lacking = [name for name in arrived if fnmatch.fnmatch(name, pattern) and not (root / "intake" / name / assignment).is_dir()]
    # what intake has refused, and said so, must not keep the others from being graded.
    refused = [name for name in lacking if _was_refused(root, assignment, name)]
    if refused:
        print(f"not graded, because intake could not take them: {', '.join(refused)}", file=sys.stderr)
    lacking = [name for name in lacking if name not in refused]
    if not lacking:
        return
    shown = ", ".join(lacking[:NAMES_SHOWN]) + (" …" if len(lacking) > NAMES_SHOWN else "")
    raise SystemExit(
        f"{len(lacking)} of {len(arrived)} submissions of {assignment} have not been taken in ({shown});"
        f" run {_intake_command(root, assignment)} first, then this command again."
    )


def refresh_intake(assignment: str, student: str, notebooks: Sequence[str]) -> None:
    """Take a student's submission in anew before it is graded; ``Autograde.pre_convert_hook``.

    What is right already is not touched. nbgrader swallows what a hook raises, so everything is logged here; a submission that could
    not be taken in has a record that says so, and is not graded on.

    Args:
        assignment: its name.
        student: nbgrader's pattern, such as ``*``; the notebooks say who it is now.
        notebooks: found by nbgrader for this student, as paths.
    """
    from traitlets.log import get_logger

    log = get_logger()
    root = Path.cwd()
    try:
        for name in sorted({Path(notebook).parent.parent.name for notebook in notebooks}):
            if (root / "submitted" / name / assignment).is_dir():
                _take_in(root, assignment, name, {Path(notebook).stem for notebook in notebooks}, log)
    except Exception as error:
        log.error("intake of %s for %s failed: %s; run %s", assignment, student, error, _intake_command(root, assignment))


def _take_in(root: Path, assignment: str, student: str, known: set[str], log: Logger | LoggerAdapter[Any]) -> None:
    from autograder.engine.course import Course
    from autograder.engine.receive import receive

    for record in receive(Course(root, _assignments_root()), assignment, students=[student]).records:
        if record.error is not None:
            log.error("intake of %s for %s failed: %s", assignment, student, record.error)
        found = {notebook.name for notebook in record.notebooks if notebook.status != "missing"}
        if record.error is None and found != known:
            now = ", ".join(sorted(found))
            log.warning("%s has other notebooks of %s than before (now %s); run this command again", student, assignment, now)


def _assignments_root() -> Path:
    """Return the configured folder; the repository's where no nbgrader application runs, as in a Jupyter server."""
    from traitlets.config import Application

    config = Application.instance().config if Application.initialized() else {}
    return Path(config.get("CoursePart", {}).get("assignments_root", REPOSITORY / "assignments"))


def _intake_command(root: Path, assignment: str) -> str:
    # the package is found in the repository's folder only.
    if root.resolve() == REPOSITORY:
        return f"'python -m autograder intake {assignment}'"
    return f"'python -m autograder intake {assignment} --course {root.resolve()}' in {REPOSITORY}"


def _was_refused(root: Path, assignment: str, student: str) -> bool:
    from autograder.intake.course import student_problem
    from autograder.intake.record import load_record

    if student_problem(student) is not None:
        return True
    try:
        record = load_record(root / "ledgers", assignment, student)
    except ValueError:
        return False
    return record is not None and record.error is not None


def _parsed(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Split a command line into options and names; ``--student ann`` and ``--student=ann`` are the same to nbgrader."""
    options: dict[str, str] = {}
    names: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            names.append(word)
            continue
        key, equals, value = word[2:].partition("=")
        if not equals and key in ("assignment", "student", "course-dir") and rest:
            value = rest.pop(0)
        options[{"CourseDirectory.root": "course-dir"}.get(key, key)] = value
    return options, names
