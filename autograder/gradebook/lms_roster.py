"""The file that a learning-management system exports: whose row is whose, and which column is an assignment's."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DELIMITERS = ",;\t"


class RosterError(ValueError):
    """A file in which nobody can be found."""


@dataclass(frozen=True)
class Roster:
    """A table as it was exported.

    Args:
        header: the first row.
        rows: the others, each as long as the header.
        delimiter: what separates the cells.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str

    def column(self, *names: str) -> int | None:
        """Return the place of the first of these columns that is there; None for none."""
        return next((self.header.index(name) for name in names if name in self.header), None)

    def owner(self, keys: Sequence[str], *wanted: str) -> list[int]:
        """Return the rows that are one student's: those with the first of the wanted words that any row has.

        Args:
            keys: columns that name a student; ``First name Last name`` stands for two of them.
            wanted: what the student is called, the surest first; empty words are passed over.
        """
        for word in filter(None, (each.strip().casefold() for each in wanted)):
            found = [number for number, row in enumerate(self.rows) if word in self._names(row, keys)]
            if found:
                return found
        return []

    def _names(self, row: tuple[str, ...], keys: Sequence[str]) -> set[str]:
        cells = dict(zip(self.header, row))
        names = {cells[key].strip().casefold() for key in keys if key in cells}
        if "First name" in cells and "Last name" in cells:
            names.add(f"{cells['First name']} {cells['Last name']}".strip().casefold())
        return names


def read_roster(path: Path, keys: Sequence[str], where: str) -> Roster:
    """Read an exported file.

    Args:
        path: the file, in UTF-8; the separator is the one its header uses.
        keys: columns of which at least one must be there.
        where: the system's own command that exports such a file, for the message.

    Raises:
        RosterError: no such file, not UTF-8, or a table that names nobody.
    """
    remedy = f"export it again ({where})"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RosterError(f"the roster {path} cannot be read ({error}); {remedy}") from None
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(cell.strip() for cell in row)]
    header = [cell.strip() for cell in table[0]] if table else []
    if not set(header) & {*keys, "First name"}:
        raise RosterError(f"the roster {path} has none of the columns {', '.join(keys)}; {remedy}")
    rows = [tuple([*row, *[""] * len(header)][: len(header)]) for row in table[1:]]
    return Roster(tuple(header), tuple(rows), delimiter)


def assignment_column(header: Sequence[str], name: str) -> int | None:
    """Return the column of an assignment: its name, alone or with the system's number or unit, as in ``a1_pose (4711)``.

    Raises:
        RosterError: two columns could be meant.
    """
    pattern = re.compile(rf"(?:Assignment: )?{re.escape(name)}(?: \((?:\d+|Real)\))?", re.IGNORECASE)
    found = [place for place, title in enumerate(header) if title == name] or [
        place for place, title in enumerate(header) if pattern.fullmatch(title)
    ]
    if len(found) > 1:
        titles = ", ".join(repr(header[place]) for place in found)
        raise RosterError(f"the columns {titles} of the roster could all be {name}; name one in the exporter's setting columns")
    return found[0] if found else None
