"""``timestamp.txt``: when a submission arrived, in one form that nbgrader reads the same everywhere."""

from __future__ import annotations

import datetime
import re

from dateutil import tz
from dateutil.parser import parse

from autograder.intake.note import Note, printable

TIMESTAMP_FILE = "timestamp.txt"
_BYTES_MAX = 200
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
# two defaults that differ in every field: a text that leaves out year, month or day gives two dates.
_DEFAULTS = (datetime.datetime(2000, 1, 1), datetime.datetime(2001, 2, 3))


def read_timestamp(raw: bytes) -> tuple[bytes | None, Note | None]:
    """Check a submission's time stamp; nbgrader fails on a whole submission whose time it cannot read.

    Args:
        raw: content of ``timestamp.txt``: date and time, then optionally a zone (``UTC``, ``Europe/Berlin``, ``+0100``). Without a
            zone it is UTC, as nbgrader has it.

    Returns:
        The time in UTC to be handed on (None for none) and a note where there is a text that holds no time.
    """
    text = raw[: _BYTES_MAX + 1].decode("utf-8", "replace").strip()
    if not text:
        return None, None
    moment = _moment(text) if len(raw) <= _BYTES_MAX else None
    if moment is None:
        sentence = f"{TIMESTAMP_FILE} holds no time ({printable(text, 40)}); the submission counts as handed in without one."
        return None, Note("timestamp", sentence)
    return f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC\n".encode(), None


def _moment(text: str) -> datetime.datetime | None:
    words = text.split()
    zone: datetime.tzinfo | None = None
    # nbgrader's own form has the zone as third word, and a zone that it does not know counts as UTC. It takes +0100 for a hundred
    # seconds, so numbers are left to the parser.
    if len(words) == 3 and words[0][:1].isdigit() and _ZONE.fullmatch(words[2]):
        zone, text = tz.gettz(words[2]), " ".join(words[:2])
    try:
        readings = [parse(text, default=default) for default in _DEFAULTS]
        if readings[0].date() != readings[1].date():
            return None
        moment = readings[0] if readings[0].tzinfo is not None else readings[0].replace(tzinfo=zone or datetime.UTC)
        moment = moment.astimezone(datetime.UTC)
    except (ValueError, OverflowError, TypeError):
        return None
    return moment if 1970 <= moment.year <= 9000 else None
