"""What intake says about one submission: one definite record, kept beside its ledgers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from autograder.intake.folder import Ignored
from autograder.intake.note import Note
from autograder.intake.writing import write_whole

NotebookStatus = Literal["ok", "repaired", "missing", "unreadable"]
RecordStatus = Literal["ok", "repaired", "missing", "unreadable", "error"]
SCHEMA = 1
FILE_NAME = "intake.json"


@dataclass(frozen=True)
class NotebookRecord:
    """What became of one expected notebook.

    Args:
        name: stem.
        status: "missing" wrote no file; "unreadable" wrote a stub.
        file: the submitted file it was taken from, as a path below the submission folder; None where there is none.
        notes: what was repaired.
        reason: why it is unreadable.
        content_sha256: of the cleaned file.
        submission_hash: see ``autograder.intake.fingerprint``.
    """

    name: str
    status: NotebookStatus
    file: str | None = None
    notes: tuple[Note, ...] = ()
    reason: str | None = None
    content_sha256: str | None = None
    submission_hash: str | None = None


@dataclass(frozen=True)
class IntakeRecord:
    """What became of one submission.

    Args:
        student: name of the folder below ``submitted``.
        assignment: its name.
        notebooks: one entry per expected notebook, in reading order.
        notes: what concerns the submission as a whole.
        extra_files: declared extra files that came, name to SHA-256.
        ignored: what was left out, and why.
        error: intake itself failed, or cannot take this folder: no student's fault; None otherwise.
    """

    student: str
    assignment: str
    notebooks: tuple[NotebookRecord, ...] = ()
    notes: tuple[Note, ...] = ()
    extra_files: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()
    error: str | None = None

    @property
    def status(self) -> RecordStatus:
        """The worst that happened: error, unreadable, missing, repaired, ok."""
        if self.error is not None:
            return "error"
        present = {notebook.status for notebook in self.notebooks}
        for status in ("unreadable", "missing", "repaired"):
            if status in present:
                return status
        return "repaired" if self.notes else "ok"

    @property
    def verdict(self) -> str | None:
        """``GRADER_ERROR`` or ``UNREADABLE`` where that is decided before anything runs; None where grading decides."""
        if self.error is not None:
            return "GRADER_ERROR"
        decided = bool(self.notebooks) and all(notebook.status == "unreadable" for notebook in self.notebooks)
        return "UNREADABLE" if decided else None

    def notebook(self, name: str) -> NotebookRecord | None:
        """Return the entry of a notebook; None for an unknown one."""
        return next((notebook for notebook in self.notebooks if notebook.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values; no clock, no path of this machine, so equal submissions give equal records."""
        table = asdict(self)
        return {"schema": SCHEMA, "status": self.status, "verdict": self.verdict, **table}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> IntakeRecord:
        """Read a record back.

        Raises:
            ValueError: another schema, or not a record.
        """
        if table.get("schema") != SCHEMA:
            raise ValueError(f"intake record has schema {table.get('schema')!r}; this version reads {SCHEMA}; run intake again")
        try:
            return cls(
                student=table["student"],
                assignment=table["assignment"],
                notebooks=tuple(NotebookRecord(**{**entry, "notes": _notes(entry["notes"])}) for entry in table["notebooks"]),
                notes=_notes(table["notes"]),
                extra_files=dict(table["extra_files"]),
                ignored=tuple(Ignored(**entry) for entry in table["ignored"]),
                error=table["error"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"intake record is incomplete ({error}); run intake again") from error


def record_path(ledgers: Path, assignment: str, student: str) -> Path:
    """Return where a record is kept."""
    return ledgers / assignment / student / FILE_NAME


def save_record(record: IntakeRecord, ledgers: Path) -> bool:
    """Write a record; returns whether it changed.

    Raises:
        WriteError: the disk is full or not writable.
    """
    content = json.dumps(record.to_json(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return write_whole(record_path(ledgers, record.assignment, record.student), content.encode("utf-8", "replace"), ledgers)


def load_record(ledgers: Path, assignment: str, student: str) -> IntakeRecord | None:
    """Read the record of a submission; None where intake has not seen it.

    Raises:
        ValueError: the file is damaged or of another schema.
    """
    path = record_path(ledgers, assignment, student)
    try:
        table = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} is no intake record ({error}); run intake again") from error
    if not isinstance(table, dict):
        raise ValueError(f"{path} is no intake record; run intake again")
    return IntakeRecord.from_json(table)


def _notes(entries: Any) -> tuple[Note, ...]:
    return tuple(Note(**entry) for entry in entries)
