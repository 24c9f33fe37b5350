"""A job: one notebook of one submission, as bytes; and what grading it gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.sandbox.choice import Start


@dataclass(frozen=True)
class Job:
    """Everything ``grade_one`` needs.

    Args:
        student: nbgrader's student id.
        assignment: its name.
        notebook: stem.
        content: the notebook as cleaned by intake, JSON bytes.
        submission_hash: as computed by intake.
        assignment_folder: ``assignments/aN_topic``, for the exercises.
        work_folder: whose files (public cases, figures, data) lie beside the notebook: the release folder.
        secret: the course secret.
        intake: what intake repaired: ``code`` and ``text`` of each note.
        unreadable: why nothing could be read, where intake made a stub.
        extra_files: further files of the submission, by name.
        walls: False only where ``--unsafe-no-sandbox`` was typed out.
        start: how kernels are started; marks do not depend on it, so neither does the key.
    """

    student: str
    assignment: str
    notebook: str
    content: bytes
    submission_hash: str
    assignment_folder: Path
    work_folder: Path
    secret: bytes = field(repr=False)
    intake: tuple[Mapping[str, str], ...] = ()
    unreadable: str | None = None
    extra_files: Mapping[str, bytes] = field(default_factory=dict)
    walls: bool = True
    start: Start = Start.AUTO

    def key(self, assignment_digest: str, grader_digest: str) -> str:
        """Return the content key under which the result is stored: equal keys need no second run.

        Args:
            assignment_digest: of the assignment's definition.
            grader_digest: of the code that grades.
        """
        parts: dict[str, Any] = {
            "content": hashlib.sha256(self.content).hexdigest(),
            "submission": self.submission_hash,
            "assignment": assignment_digest,
            "grader": grader_digest,
            # the secret itself must not be recoverable from a stored key.
            "secret": hashlib.sha256(b"vislab secret fingerprint\0" + self.secret).hexdigest(),
            "extra": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(self.extra_files.items())},
            "intake": [dict(note) for note in self.intake],
            "unreadable": self.unreadable,
            "walls": self.walls,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Result:
    """What grading one job gave.

    Args:
        executed: the executed notebook, JSON bytes; the graded run's outputs are in it.
        ledger: see ``autograder.judge.ledger``.
        receipt: its canonical part.
        log: lines for the instructor.
    """

    executed: bytes
    ledger: dict[str, Any]
    receipt: bytes
    log: tuple[str, ...] = ()

    @property
    def is_grader_error(self) -> bool:
        return self.ledger["status"] == "GRADER_ERROR"
