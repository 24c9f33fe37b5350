"""One submission folder to one cleaned folder and one record."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autograder.intake.archive import ArchiveError, extract_archive, is_archive
from autograder.intake.document import read_document
from autograder.intake.fingerprint import submission_hash
from autograder.intake.folder import FoundFile, Ignored, survey
from autograder.intake.limits import DEFAULT_FOLDER, ONE_SUBMISSION, FolderLimits, IntakeError, Unreadable
from autograder.intake.note import Note, printable
from autograder.intake.record import IntakeRecord, NotebookRecord
from autograder.intake.repair import CleanNotebook, clean_document, unreadable_notebook
from autograder.intake.selection import Candidate, Choice, may_be_notebook, select
from autograder.intake.template import Template
from autograder.intake.timestamp import TIMESTAMP_FILE, read_timestamp
from autograder.intake.writing import sync_folder


def intake_submission(
    submitted: Path,
    cleaned: Path,
    templates: Mapping[str, Template],
    extra_files: Sequence[str] = (),
    *,
    student: str,
    assignment: str,
    limits: FolderLimits = DEFAULT_FOLDER,
    root: Path | None = None,
) -> IntakeRecord:
    """Write the cleaned copy of one submission.

    The copy holds the repaired notebooks, the declared extra files and a checked ``timestamp.txt``, nothing else. Files that are right
    already are not touched. ``submitted`` is only read. Where no notebook came at all, each expected one becomes a stub, so that the
    submission has its entry in the gradebook; where one of several is missing, nbgrader itself enters the zero.

    Args:
        submitted: ``submitted/<student>/<assignment>``.
        cleaned: ``intake/<student>/<assignment>``.
        templates: release notebooks by stem, in reading order.
        extra_files: names of further files that a submission may bring, as paths below its folder.
        student: for the record.
        assignment: for the record.
        limits: what is looked at.
        root: folder for temporary files on the same disk; the grandparent of ``cleaned`` by default.

    Raises:
        IntakeError: the folders overlap, or a declared extra file has an impossible name.
        OSError: the submission cannot be read, or the copy cannot be written (``WriteError``).
    """
    submitted, cleaned = submitted.absolute(), cleaned.absolute()
    if submitted.is_relative_to(cleaned) or cleaned.is_relative_to(submitted):
        raise IntakeError(f"intake cannot write to {cleaned}: it overlaps with {submitted}; set two different folders")
    check_extra_names(extra_files)
    arrival = _Arrival(submitted, limits, templates)
    with tempfile.TemporaryDirectory(prefix="vislab-intake-") as scratch:
        arrival.read(Path(scratch))
        extras = arrival.take_extras(extra_files)
    files: dict[str, bytes] = dict(extras)
    if arrival.timestamp is not None:
        files[TIMESTAMP_FILE] = arrival.timestamp
    notebooks = []
    for name, template in templates.items():
        made = arrival.notebook(name, template)
        notebooks.append(_notebook_record(name, made, arrival.chosen.get(name), extras))
        if made is not None:
            files[f"{name}.ipynb"] = made.content
    sync_folder(cleaned, files, root or cleaned.parent.parent)
    return IntakeRecord(
        student=student,
        assignment=assignment,
        notebooks=tuple(notebooks),
        notes=tuple(arrival.notes),
        extra_files={name: hashlib.sha256(content).hexdigest() for name, content in sorted(extras.items())},
        ignored=tuple(sorted(arrival.ignored, key=lambda each: (each.name, each.reason))),
    )


def check_extra_names(extra_files: Iterable[str]) -> None:
    """Refuse declared extra files that could take another file's place.

    Raises:
        IntakeError: naming the file and the rule.
    """
    for name in extra_files:
        path = PurePosixPath(name)
        if not name or path.is_absolute() or ".." in path.parts or str(path) != name or name == TIMESTAMP_FILE or path.suffix == ".ipynb":
            raise IntakeError(f"extra file {name!r} must be a plain path below the submission, and no notebook; change assignment.toml")


@dataclass
class _Arrival:
    """What one submission folder brings."""

    folder: Path
    limits: FolderLimits
    templates: Mapping[str, Template]
    candidates: list[Candidate] = field(default_factory=list)
    others: dict[str, FoundFile] = field(default_factory=dict)
    chosen: dict[str, Choice] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    timestamp: bytes | None = None
    loaded: dict[str, bytes] = field(default_factory=dict)

    def read(self, scratch: Path) -> None:
        """Read every candidate; archives are opened only where a notebook is still missing."""
        found = survey(self.folder, self.limits)
        self.ignored.extend(found.ignored)
        self._sort(found.files.values())
        self.chosen = select(self.templates, self.candidates)
        if any(name not in self.chosen or self.chosen[name].candidate.document is None for name in self.templates):
            archives = [file for name, file in sorted(self.others.items()) if is_archive(name)]
            for number, file in enumerate(archives):
                self._open(file, scratch / str(number))
            if archives:
                self.chosen = select(self.templates, self.candidates)

    def _sort(self, files: Iterable[FoundFile], prefix: str = "") -> None:
        for file in files:
            name = prefix + file.name
            if name == TIMESTAMP_FILE:
                self.timestamp, note = read_timestamp(file.read(1 << 10))
                self.notes.extend([note] if note else [])
            elif may_be_notebook(name):
                self.candidates.append(self._candidate(name, file))
                if not name.endswith(".ipynb"):
                    self.others[name] = file
            else:
                self.others[name] = file

    def _candidate(self, name: str, file: FoundFile) -> Candidate:
        try:
            return Candidate(name, read_document(file.read(self.limits.notebook.file_bytes), self.limits.notebook))
        except Unreadable as error:
            return Candidate(name, reason=str(error))

    def _open(self, file: FoundFile, scratch: Path) -> None:
        try:
            unpacked = extract_archive(file.path, scratch, ONE_SUBMISSION)
        except ArchiveError as error:
            self.notes.append(Note("archive_refused", f"The archive {printable(file.name)} could not be unpacked: {error}."))
            return
        text = f"The archive {printable(file.name)} was unpacked; hand in the files themselves next time."
        self.notes.append(Note("archive_opened", text))
        self.ignored.extend(Ignored(f"{printable(file.name)}/{each.name}", each.reason) for each in unpacked.refused)
        self._sort(survey(scratch, self.limits).files.values(), prefix=file.name + "/")

    def take_extras(self, wanted: Sequence[str]) -> dict[str, bytes]:
        """Return the declared extra files that came, and list everything else as ignored."""
        extras: dict[str, bytes] = {}
        used: set[str] = set()
        for name in wanted:
            file = self._extra(name)
            if file is None:
                continue
            used.add(next(each for each, candidate in self.others.items() if candidate is file))
            content = file.read(self.limits.extra_file_bytes)
            if len(content) > self.limits.extra_file_bytes:
                text = f"The file {printable(name)} has more than {self.limits.extra_file_bytes:,} bytes; it was left out."
                self.notes.append(Note("extra_too_large", text))
            else:
                extras[name] = content
        taken = {choice.candidate.name for choice in self.chosen.values()}
        leftovers = {*self.others, *(candidate.name for candidate in self.candidates)} - used - taken
        opened = {name for name in self.others if is_archive(name)}
        self.ignored.extend(Ignored(printable(name), "not asked for") for name in leftovers - opened)
        return extras

    def _extra(self, name: str) -> FoundFile | None:
        """The file at its declared place; otherwise the one of its name that lies nearest to the top."""
        if name in self.others:
            return self.others[name]
        ending = "/" + name
        found = sorted((each for each in self.others if each.endswith(ending)), key=lambda each: (each.count("/"), each))
        return self.others[found[0]] if found else None

    def notebook(self, name: str, template: Template) -> CleanNotebook | None:
        """Return the cleaned notebook; None where this one is missing and others came."""
        choice = self.chosen.get(name)
        if choice is None:
            return None if self.chosen else unreadable_notebook(template, self._nothing())
        if choice.candidate.document is None:
            return unreadable_notebook(template, choice.candidate.reason or "it is no notebook")
        return clean_document(choice.candidate.document, template, self.limits.notebook)

    def _nothing(self) -> str:
        refused = [note.text for note in self.notes if note.code == "archive_refused"]
        if refused:
            return refused[0].rstrip(".")
        names = [printable(name, 60) for name in sorted({*self.others, *(candidate.name for candidate in self.candidates)})]
        names += [ignored.name for ignored in self.ignored if ignored.name not in names]
        if not names:
            return "the folder is empty"
        return f"no notebook was handed in; the folder holds {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"


def _notebook_record(name: str, made: CleanNotebook | None, choice: Choice | None, extras: Mapping[str, bytes]) -> NotebookRecord:
    if made is None:
        return NotebookRecord(name, "missing", notes=(Note("notebook_missing", f"{name}.ipynb was not handed in."),))
    notes = (*(choice.notes if choice else ()), *made.notes)
    return NotebookRecord(
        name,
        "repaired" if made.status == "ok" and notes else made.status,
        file=printable(choice.candidate.name) if choice else None,
        notes=notes,
        reason=made.reason,
        content_sha256=hashlib.sha256(made.content).hexdigest(),
        submission_hash=submission_hash(made.notebook, extras),
    )
