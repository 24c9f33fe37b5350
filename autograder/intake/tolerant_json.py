"""JSON as it arrives: any encoding, NaN, doubled keys, a broken end; within limits of size and depth."""

from __future__ import annotations

import json
import re
from typing import Any

from autograder.intake.archive import REFUSED_MARK
from autograder.intake.limits import NotebookLimits, Unreadable
from autograder.intake.note import Note, printable

# an unterminated string matches up to the end of the text: trying again at each later quote would take quadratic time.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_CELLS = re.compile(r'"cells"\s*+:\s*+\[')
_CELL_START = re.compile(r'\{\s*+"cell_type"\s*+:')
_BLANK = re.compile(r"[ \t\r\n]*+")
# each failed attempt may read to the end of the text once more; this bounds the whole.
_FAILURES_MAX = 20
_OTHER_FILES = (
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
)


def parse_object(raw: bytes, limits: NotebookLimits) -> tuple[Any, list[Note]]:
    """Parse a file's bytes.

    A file that breaks off, or is damaged in the middle, gives ``{"cells": [...]}`` with the cells that could be read.

    Returns:
        The parsed value and notes on the damage.

    Raises:
        Unreadable: not JSON and no cell to be found, or beyond the limits.
    """
    notes: list[Note] = []
    if not raw.strip(b" \t\r\n\0"):
        raise Unreadable("the file is empty" if not raw else "the file holds nothing but blanks")
    if raw.startswith(REFUSED_MARK):
        reason = printable(raw.removeprefix(REFUSED_MARK).decode("utf-8", "replace"))
        raise Unreadable(f"it was refused when its archive was unpacked: {reason}")
    for start, what in _OTHER_FILES:
        if raw.startswith(start):
            raise Unreadable(f"the file is {what}, not a notebook; save the notebook as .ipynb and hand that in")
    text = _decoded(raw, notes)
    if text.lstrip()[:1] == "<":
        raise Unreadable("the file is a web page, not a notebook; download the notebook itself (File, Download .ipynb)")
    _check_shape(text, limits)
    try:
        value = _parse(text, notes)
    except RecursionError:
        raise Unreadable("the file's JSON is nested too deeply to be read") from None
    return value, notes


def _decoded(raw: bytes, notes: list[Note]) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            if encoding == "utf-16":
                notes.append(Note("encoding", "The file was stored as UTF-16 instead of UTF-8; it was converted."))
            return raw.decode(encoding, "replace")
    # JSON starts with two ASCII characters, so a zero byte among them is a half of UTF-16.
    if raw[:1] == b"\0" or raw[1:2] == b"\0":
        notes.append(Note("encoding", "The file was stored as UTF-16 instead of UTF-8; it was converted."))
        return raw.decode("utf-16-be" if raw[:1] == b"\0" else "utf-16-le", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    if len(text) - len(text.encode("ascii", "ignore")) > 2 * damaged:
        # most of the letters beyond ASCII are good UTF-8, so it is UTF-8 with a few bytes lost.
        notes.append(Note("encoding", f"Damaged places of the file ({damaged}) were replaced by the sign \ufffd."))
        return text
    notes.append(Note("encoding", "The file was not stored as UTF-8; it was read as Latin-1."))
    return raw.decode("latin-1")


def _check_shape(text: str, limits: NotebookLimits) -> None:
    """Refuse before parsing: parsed values take far more memory than their text."""
    bare = _STRING.sub("", text)
    values = bare.count(",") + bare.count("[") + bare.count("{")
    if values > limits.values:
        raise Unreadable(f"the file holds about {values:,} JSON values; at most {limits.values:,} are read")
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", bare):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > limits.depth:
            raise Unreadable(f"the file's JSON is nested deeper than {limits.depth} levels")


def _parse(text: str, notes: list[Note]) -> Any:
    doubled: set[str] = set()

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            seen: set[str] = set()
            doubled.update(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return table

    # Python refuses whole numbers of more than 4,300 digits with an error of its own; no field of a notebook has twenty.
    decoder = json.JSONDecoder(object_pairs_hook=collect, parse_int=lambda digits: int(digits) if len(digits) < 20 else 0, strict=False)
    start = _BLANK.match(text).end()  # type: ignore[union-attr]
    try:
        value, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        value = {"cells": _salvaged(decoder, text, error), "nbformat": 4}
        count = len(value["cells"])
        cells = "cell" if count == 1 else "cells"
        notes.append(Note("json_damaged", f"The file is damaged at line {error.lineno}; {count} {cells} could be read from it."))
    else:
        if text[end:].strip(" \t\r\n\0"):
            notes.append(Note("trailing_text", "The file goes on after the end of the notebook; the rest was ignored."))
    if doubled:
        keys = ", ".join(sorted(doubled)[:3])
        notes.append(Note("doubled_keys", f"The file gives some fields twice ({keys[:80]}); the last value was taken."))
    return value


def _salvaged(decoder: json.JSONDecoder, text: str, error: json.JSONDecodeError) -> list[Any]:
    cells: list[Any] = []
    opening = _CELLS.search(text)
    position = opening.end() if opening else None
    failures = 0
    while position is not None and failures < _FAILURES_MAX:
        position = _BLANK.match(text, position).end()  # type: ignore[union-attr]
        if text[position : position + 1] == ",":
            position += 1
            continue
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            failures += 1
            following = _CELL_START.search(text, position + 1)
            position = following.start() if following else None
            continue
        if isinstance(value, dict):
            cells.append(value)
    if not cells:
        raise Unreadable(f"the file is not JSON, so it is no notebook (line {error.lineno}, column {error.colno}: {error.msg})") from None
    return cells
