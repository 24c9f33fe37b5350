"""nbgrader's zip_collect for downloads of learning-management systems: unpacked safely, every file given to its student."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.plugins.zipcollect import ExtractorPlugin, FileNameCollectorPlugin
from traitlets import Dict, List

from autograder.intake.archive import REFUSED_MARK, ArchiveError, extract_archive
from autograder.intake.course import student_problem
from autograder.intake.limits import CLASS_DOWNLOAD
from autograder.intake.member_names import NameTable, safe_parts
from autograder.intake.note import printable
from autograder.intake.timestamp import TIMESTAMP_FILE, read_timestamp

# doejane_LATE_4321_98765_1_regression.ipynb: name (small letters, no blank), user, upload.
_CANVAS = re.compile(r"(?P<name>[^\sA-Z_]+)_(?:(?P<late>LATE)_)?(?P<id>\d+)_\d{2,}_(?P<file>.+)")
# Jane Doe_12345_assignsubmission_file_/1_regression.ipynb: the number belongs to this one assignment, the name to the student. In a
# folder's name the last such mark is the LMS's, in a file's name the first, because the rest is the student's.
_MOODLE_FOLDER = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>)")
_MOODLE_FILE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_(?P<file>.+)")
# 1 Pose_jdoe_attempt_2027-02-05-23-59-00_1_regression.ipynb
_BLACKBOARD = re.compile(r".+?_(?P<id>[^_]+)_attempt_(?P<time>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)_(?P<file>.+)")
_PATTERNS = (("moodle", _MOODLE_FOLDER), ("moodle", _MOODLE_FILE), ("blackboard", _BLACKBOARD), ("canvas", _CANVAS))
# what a browser or an LMS puts behind the name of a file that was handed in before.
_RESUBMITTED = re.compile(r"(?:-(\d{1,3})| \((\d{1,3})\))$")


class SafeExtractor(ExtractorPlugin):
    """Unpacks the archives of a download; what looks dangerous is left out and said so.

    An archive that cannot be unpacked is handed on as a file, so that its student's submission still gets a definite verdict.
    """

    zip_ext = List([".zip"], help="Endings of archives to unpack; any other file is copied as it is.").tag(config=True)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack every archive below ``archive_path`` into ``extracted_path``, and copy the other regular files.

        Raises:
            SystemExit: the disk is full or not writable; the log says which file and what to do.
        """
        source, target = Path(archive_path), Path(extracted_path)
        files = list(_regular_files(source))
        if not files:
            self.log.warning("%s holds no file; put what you downloaded from the LMS there", archive_path)
        names = NameTable()
        for path in files:
            parts = safe_parts(path.relative_to(source).as_posix()) or [printable(path.name)]
            try:
                self._take(path, target, parts, names)
            except OSError as error:
                self.log.error("%s could not be taken (%s); free space or fix the permissions, then run zip_collect again", path, error)
                raise SystemExit(1) from error

    def _take(self, path: Path, target: Path, parts: list[str], names: NameTable) -> None:
        if path.suffix.lower() in self.zip_ext:
            folder = target / names.free([*parts[:-1], path.stem])
            self.log.info("Unpacking %s to %s", path, folder)
            try:
                unpacked = extract_archive(path, folder)
            except ArchiveError as error:
                self.log.warning("%s: %s", path, error)
                shutil.rmtree(folder, ignore_errors=True)
            else:
                for refused in unpacked.refused:
                    self.log.warning("%s: %s was left out: %s", path, refused.name, refused.reason)
                    if refused.path is not None:
                        placeholder = folder / refused.path
                        placeholder.parent.mkdir(parents=True, exist_ok=True)
                        placeholder.write_bytes(REFUSED_MARK + refused.reason.encode())
                return
        if path.stat().st_size > CLASS_DOWNLOAD.member_bytes:
            self.log.warning("%s has more than %d bytes; it was left out", path, CLASS_DOWNLOAD.member_bytes)
            return
        copy = target / names.free(parts)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy, follow_symlinks=False)


@dataclass(frozen=True)
class _Arrival:
    """One file of the download: whose it is by the LMS's naming, and its path within that student's submission."""

    system: str
    name: str
    lms_id: str
    parts: tuple[str, ...]
    timestamp: str | None = None
    late: bool = False


class LmsCollector(FileNameCollectorPlugin):
    """Tells from the names that Canvas, Moodle and Blackboard give which file is whose.

    Also understood: one folder per student, nbgrader's own tree (``student/assignment/file``), and single files whose name holds
    the notebook's name and the student's. ``named_regexp``, where it is set, comes before all of these.
    Every file is collected, whatever its ending: intake tells a student what was wrong with it. A ``timestamp.txt`` out of a student's
    archive is not, because it would set the time of the submission. Of the three systems Blackboard alone gives a time; it counts as UTC.
    """

    valid_ext: List = List(default_value=[], help="Endings of files to collect; empty for all.").tag(config=True)
    student_formats = Dict(
        {"canvas": "{id}", "moodle": "{name}", "blackboard": "{id}"},
        help="How a student's id is made of the LMS's {name} and {id}, by system. Moodle's number changes with every assignment.",
    ).tag(config=True)
    student_ids = Dict({}, help="The LMS's id or name of a student to the id that the gradebook uses.").tag(config=True)

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self._plans: dict[Path, dict[str, dict[str, str]]] = {}

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Return ``student_id``, ``file_id`` and where it is known ``timestamp`` of one extracted file; None to skip it."""
        base = self._base(Path(submitted_file))
        if base not in self._plans:
            self._plans[base] = self._plan(base)
        return self._plans[base].get(submitted_file)

    def _base(self, path: Path) -> Path:
        app = self.parent
        if app is None:
            return path.parent
        structure = os.path.join(app.coursedir.root, app.collect_directory_structure)
        step = {"downloaded": app.downloaded_directory, "collect_step": app.extracted_directory}
        return Path(structure.format(assignment_id=app.coursedir.assignment_id, **step))

    def _released(self) -> frozenset[str]:
        if self.parent is None:
            return frozenset()
        coursedir = self.parent.coursedir
        folder = Path(coursedir.format_path(coursedir.release_directory, ".", coursedir.assignment_id))
        return frozenset(path.name for path in folder.glob("*.ipynb"))

    def _plan(self, base: Path) -> dict[str, dict[str, str]]:
        """Decide about all files at once: who has the same name as whom, and which names collide, shows only then."""
        released = self._released()
        found = {path: safe_parts(path.relative_to(base).as_posix()) for path in _regular_files(base)}
        archives, whole = _class_archives([parts for parts in found.values() if parts])
        if archives and not whole:
            names = ", ".join(sorted(archives))
            self.log.warning("%s: if this is a whole class's download, collect it by itself; here it counts as one student's", names)
        arrivals: dict[str, _Arrival] = {}
        for path, parts in found.items():
            arrival = self._arrival(tuple(parts), 1 if whole else 0, released) if parts else None
            if arrival is None:
                self.log.warning("%s: whose file it is cannot be told from its name; rename it or set LmsCollector.named_regexp", path)
            elif self.valid_ext and path.suffix not in self.valid_ext:
                self.log.debug("%s: its ending is not in LmsCollector.valid_ext; skipped", path)
            elif arrival.parts[-1].casefold() == TIMESTAMP_FILE:
                self.log.warning("%s: a student's archive cannot set the time of submission; skipped", path)
            else:
                arrivals[str(path)] = arrival
        return self._collected(arrivals, self._students(arrivals), released)

    def _collected(self, arrivals: dict[str, _Arrival], students: dict[str, str], released: frozenset[str]) -> dict[str, dict[str, str]]:
        tables: defaultdict[str, NameTable] = defaultdict(NameTable)
        # the newest of a student's files that bear one notebook's name gets that name; the others keep theirs.
        newest: dict[tuple[str, tuple[str, ...]], tuple[int, str]] = {}
        for path, arrival in arrivals.items():
            original, number = _original(arrival.parts, released)
            rank = (1000 if number is None else number, path)
            newest[students[path], original] = max(newest.get((students[path], original), (-1, "")), rank)
        plan: dict[str, dict[str, str]] = {}
        for path, arrival in arrivals.items():
            student = students[path]
            original, _ = _original(arrival.parts, released)
            parts = original if newest[student, original][1] == path else arrival.parts
            plan[path] = {"student_id": student, "file_id": tables[student].free(parts)}
            if arrival.timestamp is not None:
                plan[path]["timestamp"] = arrival.timestamp
            if arrival.late:
                self.log.warning(
                    "%s: Canvas marks it as late but not since when; where it matters, write the time into %s", path, TIMESTAMP_FILE
                )
        return plan

    def _students(self, arrivals: dict[str, _Arrival]) -> dict[str, str]:
        ids: defaultdict[str, set[str]] = defaultdict(set)
        first = {path: self._student(arrival) for path, arrival in arrivals.items()}
        for path, arrival in arrivals.items():
            ids[first[path]].add(arrival.lms_id)
        for name in sorted(name for name in ids if len(ids[name]) > 1):
            self.log.warning("%d students are called %s; their LMS ids were put behind the name", len(ids[name]), name)
        return {
            path: first[path] if len(ids[first[path]]) == 1 else f"{first[path]} {arrival.lms_id}" for path, arrival in arrivals.items()
        }

    def _student(self, arrival: _Arrival) -> str:
        for key in (arrival.lms_id, arrival.name):
            if key in self.student_ids:
                return str(self.student_ids[key])
        made = str(self.student_formats.get(arrival.system, "{id}")).format(name=arrival.name, id=arrival.lms_id)
        if student_problem(made) is None:
            return made
        return re.sub(r"[^\w .@+-]+", "_", made).strip("_. -")[:100] or "unnamed"

    def _arrival(self, parts: tuple[str, ...], depth: int, released: frozenset[str]) -> _Arrival | None:
        if self.named_regexp:
            return self._by_regexp("/".join(parts))
        # beyond this depth all names are the student's, who could write another one's there.
        place = min(depth, len(parts) - 1)
        for system, match in _lms_matches(parts[place]):
            return _by_lms(system, match, parts[place + 1 :])
        return self._by_place(parts, released)

    def _by_regexp(self, name: str) -> _Arrival | None:
        groups = self._match(name) or {}
        student, file = groups.get("student_id"), groups.get("file_id")
        parts = safe_parts(file) if file else None
        if not student or parts is None:
            return None
        ending = Path(name).suffix
        parts[-1] = parts[-1] if parts[-1].endswith(ending) else parts[-1] + ending
        return _Arrival("regexp", student, student, tuple(parts), _known_time(groups.get("timestamp")))

    def _by_place(self, parts: tuple[str, ...], released: frozenset[str]) -> _Arrival | None:
        if len(parts) > 1:
            assignment = self.parent.coursedir.assignment_id if self.parent is not None else None
            inner = parts[2:] if len(parts) > 2 and parts[1] == assignment else parts[1:]
            return _Arrival("folder", parts[0], parts[0], inner)
        for notebook in sorted(released, key=len, reverse=True):
            stem = notebook.removesuffix(".ipynb")
            before, found, after = parts[0].removesuffix(".ipynb").partition(stem)
            student = before.strip(" _-") or after.strip(" _-")
            if found and student and not re.search(r"[0-9A-Za-z]$", before) and not re.match(r"[0-9A-Za-z]", after):
                return _Arrival("file", student, student, (notebook,))
        return None


def _lms_matches(part: str) -> Iterator[tuple[str, re.Match[str]]]:
    for system, pattern in _PATTERNS:
        match = pattern.fullmatch(part)
        if match is not None:
            yield system, match


def _class_archives(paths: list[list[str]]) -> tuple[set[str], bool]:
    """Return the top folders that hold nothing but LMS names, and whether everything lies in such folders.

    Only then are the names below them believed, for the whole download: were it decided folder by folder, a student could pack files
    under other students' names.
    """
    below: defaultdict[str, set[str]] = defaultdict(set)
    for parts in paths:
        below[parts[0]].update(parts[1:2])
    named = {top for top in below if next(_lms_matches(top), None) is not None}
    archives = {top for top in set(below) - named if below[top] and all(next(_lms_matches(name), None) is not None for name in below[top])}
    return archives, bool(below) and archives == set(below)


def _by_lms(system: str, match: re.Match[str], rest: tuple[str, ...]) -> _Arrival | None:
    groups = match.groupdict()
    # a folder's own ending says nothing more; a file's is what the student called it.
    parts = rest or ((groups["file"],) if groups["file"] else ())
    if not parts:
        return None
    day, hour, minute, second = (groups["time"].rsplit("-", 3)) if "time" in groups else ("", "", "", "")
    timestamp = _known_time(f"{day} {hour}:{minute}:{second}") if day else None
    return _Arrival(system, groups.get("name") or groups["id"], groups["id"], parts, timestamp, bool(groups.get("late")))


def _original(parts: tuple[str, ...], released: frozenset[str]) -> tuple[tuple[str, ...], int | None]:
    """Return the path under its released notebook's name, and the number that an LMS put behind that name; None without one."""
    stem, dot, ending = parts[-1].rpartition(".")
    number = _RESUBMITTED.search(stem)
    bare = f"{_RESUBMITTED.sub('', stem)}{dot}{ending}"
    if number is None or bare not in released:
        return parts, None
    return (*parts[:-1], bare), int(number.group(1) or number.group(2))


def _known_time(text: str | None) -> str | None:
    """Return a time that nbgrader can read; it stops the whole collection on one that it cannot."""
    if text is None:
        return None
    stamp, _ = read_timestamp(text.encode())
    return stamp.decode().strip() if stamp is not None else None


def _regular_files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder, sorted; links are not followed."""
    for current, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(current) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path
