"""``nbgrader export`` for learning-management systems: the marks in the columns that Canvas and Moodle import.

Both import what they have exported before: ``roster`` names that file, and its rows keep the words by which the system knows a student.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, ClassVar

from nbgrader.api import Gradebook
from traitlets import Bool, Dict, Unicode

from autograder.gradebook.export import CsvExport
from autograder.gradebook.lms_roster import Roster, RosterError, assignment_column, read_roster

Row = dict[str, Any]
NAMES_SHOWN = 10


class LmsExport(CsvExport):
    """Base of the two: one row for each student, one column for each assignment, nothing else that an import could overwrite."""

    file_name: ClassVar[str]
    # columns that name a student, in the order in which they are written; and the menu that exports a roster.
    keys: ClassVar[tuple[str, ...]]
    kept: ClassVar[tuple[str, ...]]
    roster_from: ClassVar[str]

    roster = Unicode("", help="A file that the system exported, whose rows and columns are filled; empty to make one.").tag(config=True)
    columns = Dict({}, help="Assignment to the title of its column in the system, where that is another one.").tag(config=True)
    missing = Unicode("0", help="What a student who handed nothing in gets; empty to leave the system's mark alone.").tag(config=True)
    unfinished = Bool(False, help="Export the points so far where a grader is still waited for, too.").tag(config=True)

    def _export(self, gradebook: Gradebook) -> None:
        rows = self._rows(gradebook)
        try:
            roster = read_roster(Path(self.roster), self.keys, self.roster_from) if self.roster else None
            table, delimiter = (self._filled(rows, roster), roster.delimiter) if roster else (self._made(rows), ",")
        except RosterError as error:
            raise SystemExit(f"nothing was exported: {error}") from None
        path = Path(self.to or self.file_name)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(table)
        waiting = sorted({row["student_id"] for row in rows if row["waiting"]})
        if waiting and not self.unfinished:
            self.log.warning("still to be graded by hand, and left empty: %s", _named(waiting))
        self.log.info("wrote %d rows to %s", len(table) - 1, path)

    def _made(self, rows: list[Row]) -> list[list[str]]:
        """Return a table of the gradebook's own students."""
        assignments = _assignments(rows)
        students = {row["student_id"]: row for row in rows}
        cells = {(row["student_id"], row["assignment"]): self._cell(row) for row in rows}
        table = [[*self.kept, *[self._title(name) for name in assignments]], *self._head(rows, assignments)]
        return table + [
            [*self._identity(student), *[cells[name, assignment] for assignment in assignments]] for name, student in students.items()
        ]

    def _filled(self, rows: list[Row], roster: Roster) -> list[list[str]]:
        """Return the roster's students with their marks, its columns in their own order, new ones behind them."""
        assignments = _assignments(rows)
        places = self._places(assignments, roster)
        taken = {place: name for name, place in places.items() if place is not None}
        columns: list[int | str] = [
            taken.get(place, place) for place, title in enumerate(roster.header) if place in taken or self._keeps(title, roster)
        ]
        columns += [name for name in assignments if places[name] is None]
        header = []
        for column in columns:
            place = column if isinstance(column, int) else places[column]
            header.append(self._title(str(column)) if place is None else roster.header[place])
        marks = self._marks(rows, roster)
        maxima = {row["assignment"]: _number(row["max_score"]) for row in rows}
        table = [header]
        for number, row in enumerate(roster.rows):
            if self._is_student(row, roster):
                cells = marks.get(number, {})
            else:
                # a row of the system's own, such as Canvas's points possible: as it was, and the maximum where the column is new.
                points = any("points possible" in cell.casefold() for cell in row)
                cells = {name: (maxima[name] if points else "") if place is None else row[place] for name, place in places.items()}
            table.append([row[column] if isinstance(column, int) else cells.get(column, "") for column in columns])
        return table

    def _marks(self, rows: list[Row], roster: Roster) -> dict[int, dict[str, str]]:
        """Return the marks of each row of the roster; who cannot be told from it is said."""
        marks: dict[int, dict[str, str]] = {}
        strangers: list[str] = []
        doubtful: list[str] = []
        for name, student in {row["student_id"]: row for row in rows}.items():
            full = f"{student['first_name'] or ''} {student['last_name'] or ''}"
            found = roster.owner(self.keys, name, student["email"] or "", full)
            if len(found) == 1 and found[0] not in marks:
                marks[found[0]] = {row["assignment"]: self._cell(row) for row in rows if row["student_id"] == name}
            else:
                (doubtful if found else strangers).append(name)
        if strangers:
            self.log.warning("in no row of the roster: %s; set their ids in students.csv, or add them by hand", _named(sorted(strangers)))
        if doubtful:
            self.log.warning("in a row that is not theirs alone: %s; give them their marks by hand", _named(sorted(doubtful)))
        return marks

    def _places(self, assignments: list[str], roster: Roster) -> dict[str, int | None]:
        """Return each assignment's column of the roster; None for a new one."""
        return {name: assignment_column(roster.header, self._title(name)) for name in assignments}

    def _title(self, assignment: str) -> str:
        return str(self.columns.get(assignment, assignment))

    def _cell(self, row: Row) -> str:
        if not row["handed_in"]:
            return self.missing
        return "" if row["waiting"] and not self.unfinished else _number(row["score"])

    def _is_student(self, row: tuple[str, ...], roster: Roster) -> bool:
        places = [roster.header.index(key) for key in self.keys if key in roster.header]
        return any(row[place].strip() for place in places) or not places

    def _keeps(self, title: str, roster: Roster) -> bool:
        return title in self.kept

    def _head(self, rows: list[Row], assignments: list[str]) -> list[list[str]]:
        return []

    def _identity(self, student: Row) -> list[str]:
        raise NotImplementedError


class CanvasExport(LmsExport):
    """Canvas: Gradebook, Import.

    Without a roster a student's id must be Canvas's own number, which ``zip_collect`` takes from a Canvas download.
    """

    file_name = "canvas.csv"
    keys = ("ID", "SIS User ID", "SIS Login ID")
    kept = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    roster_from = "Canvas: Gradebook, Export Entire Gradebook"

    def _head(self, rows: list[Row], assignments: list[str]) -> list[list[str]]:
        maxima = {row["assignment"]: _number(row["max_score"]) for row in rows}
        return [["    Points Possible", "", "", "", "", *[maxima[name] for name in assignments]]]

    def _identity(self, student: Row) -> list[str]:
        name = ", ".join(filter(None, [student["last_name"], student["first_name"]]))
        return [name or student["student_id"], student["student_id"], "", "", ""]


class MoodleExport(LmsExport):
    """Moodle: Grades, Import, CSV file; or an assignment's own grading worksheet, which is filled as a whole.

    Moodle refuses marks above the maximum unless its administrator allows them: a bonus needs the setting ``unlimitedgrades`` there.
    """

    file_name = "moodle.csv"
    keys = ("ID number", "Username", "Email address", "Full name", "Identifier")
    kept = ("Identifier", "Full name", "First name", "Last name", "Username", "ID number", "Email address")
    roster_from = "Moodle: Grades, Export, Plain text file; or the assignment, Download grading worksheet"

    def _made(self, rows: list[Row]) -> list[list[str]]:
        made = super()._made(rows)
        # a gradebook knows no Moodle names; what it does know is mapped when the file is imported.
        shown = [self.kept.index(title) for title in ("First name", "Last name", "ID number", "Email address")]
        return [[row[place] for place in shown] + row[len(self.kept) :] for row in made]

    def _identity(self, student: Row) -> list[str]:
        first, last, email = (student[key] or "" for key in ("first_name", "last_name", "email"))
        return ["", "", first, last, "", student["student_id"], email]

    def _is_student(self, row: tuple[str, ...], roster: Roster) -> bool:
        return True

    def _keeps(self, title: str, roster: Roster) -> bool:
        # a worksheet goes back with all its columns.
        return _is_worksheet(roster) or super()._keeps(title, roster)

    def _places(self, assignments: list[str], roster: Roster) -> dict[str, int | None]:
        if not _is_worksheet(roster):
            return super()._places(assignments, roster)
        if len(assignments) != 1:
            raise RosterError(f"a grading worksheet holds one assignment, not {len(assignments)}; add --assignment '[\"NAME\"]'")
        return {assignments[0]: roster.header.index("Grade")}


def _is_worksheet(roster: Roster) -> bool:
    return {"Identifier", "Grade"} <= set(roster.header)


def _assignments(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["assignment"] for row in rows))


def _number(points: float) -> str:
    return f"{points:.6f}".rstrip("0").rstrip(".")


def _named(names: list[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else "")
