"""The tiny assignment, laid out in a temporary folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_assignment import EXERCISES, IMPATIENT_TABLE, TABLE, notebook_bytes

from autograder.engine.job import Job


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Folder of the tiny assignment; its release lies in ``../release``."""
    folder = tmp_path / "t1_tiny"
    (folder / "exercises").mkdir(parents=True)
    (folder / "exercises" / "rows.py").write_text(EXERCISES)
    (folder / "assignment.toml").write_text(TABLE)
    release = tmp_path / "release"
    release.mkdir()
    (release / "tiny.ipynb").write_bytes(notebook_bytes("raise NotImplementedError()", "raise NotImplementedError()"))
    (release / "words.txt").write_text("seen by the notebook")
    return folder


@pytest.fixture
def impatient(tiny: Path) -> None:
    """Short limits of time, for tests that wait until they are used up."""
    (tiny / "assignment.toml").write_text(IMPATIENT_TABLE)


@pytest.fixture
def make_job(tiny: Path) -> Callable[..., Job]:
    """Return a function from answers and options to a job."""

    def make(content: bytes | None = None, **options: object) -> Job:
        raw = notebook_bytes() if content is None else content
        told: dict = {
            "student": "ada",
            "assignment": "t1_tiny",
            "notebook": "tiny",
            "content": raw,
            "submission_hash": hashlib.sha256(raw).hexdigest(),
            "assignment_folder": tiny,
            "work_folder": tiny.parent / "release",
            "secret": b"a secret of thirty-two bytes or so",
        }
        return Job(**{**told, **options})

    return make
