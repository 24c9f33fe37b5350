"""A gradebook that another program is writing to: waited for, then named."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

WAIT_S = 20.0
ATTEMPT_S = 2.0
# in SQLite's words and in the system's.
NO_ROOM = (
    "disk is full",
    "disk I/O error",
    "readonly database",
    "unable to open database file",
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
)


class GradebookBusy(OSError):
    """The gradebook cannot be written now: another program holds it, or there is no room; the text says which, and what to do."""


def sqlite_path(db_url: str) -> Path | None:
    """Return the file behind an SQLite address; None for a database server or one in memory."""
    try:
        url = make_url(db_url)
    except ArgumentError:
        return None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def wait_until_free(db_url: str, wait_s: float = WAIT_S) -> None:
    """Return as soon as the gradebook can be written to.

    Args:
        db_url: nbgrader's; servers manage their own locks and are not waited for.
        wait_s: give up after this many seconds.

    Raises:
        GradebookBusy: still locked, or not writable; the message names the file and the remedy.
    """
    path = sqlite_path(db_url)
    if path is None or not path.exists():
        return
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            _take_and_release(path, min(ATTEMPT_S, wait_s))
            return
        except sqlite3.OperationalError as error:
            if not is_lock(error):
                raise GradebookBusy(unwritable_message(path, error)) from error
            if time.monotonic() >= deadline_s:
                raise GradebookBusy(busy_message(path)) from error


def is_lock(error: BaseException) -> bool:
    """Say whether a database error means that somebody else holds the lock."""
    return "locked" in str(error) or "busy" in str(error)


def is_unwritable(error: BaseException) -> bool:
    """Say whether an error means that a file cannot be written: a full disk, or permissions."""
    return any(words in str(error) for words in NO_ROOM)


def message_for(path: Path | str, error: BaseException) -> str | None:
    """Return the sentence for a database error that passes once somebody has mended its cause; None for any other."""
    if is_lock(error):
        return busy_message(path)
    # SQLAlchemy puts the statement and its own advice behind the database's words.
    return unwritable_message(path, getattr(error, "orig", None) or error) if is_unwritable(error) else None


def unwritable_message(path: Path | str, error: BaseException) -> str:
    """Return the sentence for a gradebook without room or permission."""
    return f"{path} cannot be written to ({error}); check its permissions and the free space, then run this again"


def busy_message(path: Path | str) -> str:
    """Return the sentence for a locked gradebook."""
    remedy = "wait for the other nbgrader command to end, or close the program that has it open, then run this again"
    return f"{path} is locked by another program; {remedy}"


def _take_and_release(path: Path, timeout_s: float) -> None:
    connection = sqlite3.connect(path, timeout=timeout_s, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    finally:
        connection.close()
