"""When an assignment is due and what lateness costs: ``assignment.toml`` decides, the gradebook is told."""

from __future__ import annotations

import datetime
import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import parse_utc

Log = logging.Logger | logging.LoggerAdapter[Any]


class ScheduleError(ValueError):
    """Due date or penalty of an assignment cannot be told."""


class HasDueDate(Protocol):
    """What ``sync_assignment`` needs of an assignment."""

    @property
    def name(self) -> str: ...

    @property
    def due(self) -> datetime.datetime | None: ...


@dataclass(frozen=True)
class Schedule:
    """Dates of one assignment.

    Args:
        name: of the assignment.
        due: with a UTC offset, or None.
        penalty_per_day: share of the maximum lost per started day.
    """

    name: str
    due: datetime.datetime | None
    penalty_per_day: float


def read_schedule(assignments_root: Path, name: str) -> Schedule:
    """Read an assignment's dates, and nothing else of it: no exercise is imported, so that exporting marks stays quick.

    Raises:
        ScheduleError: no such assignment, or a value that cannot be used.
    """
    path = assignments_root / name / "assignment.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ScheduleError(f"{path} cannot be read ({error}); an assignment needs one") from error
    due = table.get("due")
    if due is not None and (not isinstance(due, datetime.datetime) or due.tzinfo is None):
        raise ScheduleError(f"{path}: due {due!r} must be a date and time with a UTC offset, such as 2027-02-05T23:59:00+01:00")
    late = table.get("late", {})
    penalty = late.get("penalty_per_day", 0.0) if isinstance(late, dict) else None
    if not isinstance(penalty, int | float) or isinstance(penalty, bool) or not 0 <= penalty <= 1:
        raise ScheduleError(f"{path}: late.penalty_per_day {penalty!r} must be a share of the maximum, from 0 to 1")
    return Schedule(name, due, float(penalty))


def sync_assignment(gradebook: Gradebook, assignment: HasDueDate, log: Log | None = None) -> bool:
    """Write the due date into the gradebook, through nbgrader's API.

    Args:
        gradebook: open.
        assignment: ``autograder.exercise.assignment.Assignment``, or anything else with ``name`` and ``due``.
        log: told where another date was in the gradebook.

    Returns:
        Whether the gradebook was changed. An assignment that it does not know is left alone: nbgrader adds it when it is generated.
    """
    try:
        entry = gradebook.find_assignment(assignment.name)
    except MissingEntry:
        return False
    due = parse_utc(assignment.due)
    if entry.duedate == due:
        return False
    if entry.duedate is not None:
        fault = "the due date of %s in the gradebook, %s UTC, is replaced by that of assignment.toml, %s UTC"
        (log or logging.getLogger(__name__)).warning(fault, entry.name, entry.duedate, due)
    gradebook.update_or_create_assignment(assignment.name, duedate=due)
    return True
