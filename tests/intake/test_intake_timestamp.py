"""Times of submission: what nbgrader can read comes through in UTC, anything else is dropped with a note."""

from __future__ import annotations

import datetime

import pytest
from nbgrader.utils import parse_utc

from autograder.intake.timestamp import read_timestamp

GOOD = {
    "2027-02-05 23:59:00.123000 UTC": "2027-02-05 23:59:00.123000",
    "2027-02-05 23:59:00": "2027-02-05 23:59:00",
    "2027-02-05 23:59:00 America/Los_Angeles": "2027-02-06 07:59:00",
    "2027-02-05 23:59:00 CET": "2027-02-05 22:59:00",
    "2027-02-05 23:59:00 NOWHERE": "2027-02-05 23:59:00",
    "2027-02-05T23:59:00+01:00": "2027-02-05 22:59:00",
    "2027-02-05 23:59:00 +0100": "2027-02-05 22:59:00",
    "  2027-02-05\n": "2027-02-05 00:00:00",
}
BAD = [
    "tomorrow",
    "2027",
    "February",
    "23:59",
    "a b c",
    "2027-02-30",
    "0001-01-01 00:00:00 +0100",
    "9999-12-31 23:59:59",
    "1" * 300,
    "\0",
    "ÿ",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_time_comes_through_in_utc(text: str) -> None:
    stamp, note = read_timestamp(text.encode())
    assert note is None and stamp is not None
    assert parse_utc(stamp.decode().strip()) == datetime.datetime.fromisoformat(GOOD[text])
    assert read_timestamp(stamp) == (stamp, None)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_time_is_dropped_with_a_note(text: str) -> None:
    stamp, note = read_timestamp(text.encode("latin-1"))
    assert stamp is None and note is not None
    assert note.text.startswith("timestamp.txt holds no time (")


def test_an_empty_file_is_no_time_and_no_fault() -> None:
    assert read_timestamp(b" \n") == (None, None)


def test_nbgrader_alone_would_fail_on_some_of_them() -> None:
    with pytest.raises((ValueError, OverflowError)):
        parse_utc("tomorrow")
