"""nbgrader's exchange beside intake: what is collected lands where submissions arrive, and feedback finds its way back."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback
from traitlets import Unicode

# written by nbgrader's submit: names a submission's feedback in the exchange, so that nobody else can guess it.
SECRET_FILE = "submission_secret.txt"
_SECRET_BYTES = 1024
_ARRIVED = "The folder of what arrived, in the form of CourseDirectory's folders; nbgrader grades from another one."


@contextmanager
def replaced(coursedir: CourseDirectory, **values: str) -> Iterator[None]:
    """Give settings of a course other values for a while: a formgrader keeps its course folder for all its requests."""
    before = {name: getattr(coursedir, name) for name in values}
    try:
        for name, value in values.items():
            setattr(coursedir, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(coursedir, name, value)


class Collect(ExchangeCollect):
    """``nbgrader collect`` into ``submitted/``, which intake reads: nbgrader itself would collect into what it grades."""

    arrived_directory = Unicode("submitted", help=_ARRIVED).tag(config=True)
    coursedir: Any
    log: Any

    def copy_files(self) -> None:
        """Copy the newest submission of each student."""
        with replaced(self.coursedir, submitted_directory=self.arrived_directory):
            super().copy_files()


class ReleaseFeedback(ExchangeReleaseFeedback):
    """``nbgrader release_feedback`` for pages of cleaned copies: the secret stayed with what arrived, and is fetched from there.

    Who handed in without the exchange has no secret; nbgrader would fail on the first of them, for everybody.
    """

    arrived_directory = Unicode("submitted", help=_ARRIVED).tag(config=True)
    coursedir: Any
    log: Any

    def copy_files(self) -> None:
        """Publish the pages of everybody who handed in through the exchange."""
        assignment = self.coursedir.assignment_id
        lacking = []
        for pages in self._folders():
            student = pages.parent.name
            arrived = Path(self.coursedir.format_path(self.arrived_directory, student, assignment))
            secret = read_secret(arrived / SECRET_FILE)
            if secret is None or not (pages / "timestamp.txt").is_file():
                lacking.append(student)
                continue
            (pages / SECRET_FILE).write_bytes(secret)
        if lacking:
            names = ", ".join(sorted(lacking))
            self.log.warning("%s did not hand %s in through the exchange; give them their pages from feedback/ yourself", names, assignment)
        excluded = ",".join(filter(None, [self.coursedir.student_id_exclude, *lacking]))
        with replaced(self.coursedir, student_id_exclude=excluded):
            super().copy_files()

    def _folders(self) -> list[Path]:
        # src_path is nbgrader's pattern, feedback/*/<assignment> for everybody.
        path = Path(self.src_path)
        root = Path(self.coursedir.root)
        return sorted(found for found in root.glob(str(path.relative_to(root))) if found.is_dir())


def read_secret(path: Path) -> bytes | None:
    """Return a submission's secret; None where there is none, or no plain small file: students write what they hand in."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = os.read(descriptor, _SECRET_BYTES + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
    usable = content.strip() and len(content) <= _SECRET_BYTES and content.isascii()
    return content if usable else None
