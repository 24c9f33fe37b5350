"""What one run left: everything that was written inside, and whether a process outlived it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from autograder.engine.grade_one import grade_one
from autograder.engine.job import Job, Result
from autograder.sandbox.home import RunHome

PROC = "/proc"
# more than this is not looked at: a disk filler's zeros hold no canary.
FILE_BYTES_MAX = 4 << 20
ALL_BYTES_MAX = 24 << 20
FILES_MAX = 4000


@dataclass(frozen=True)
class WitnessedResult(Result):
    """A result with what was seen besides.

    Args:
        written: path inside, or the name of a stream, to its bytes.
        survivors: processes of the sandbox that were there when it had been torn down.
    """

    written: dict[str, bytes] = field(default_factory=dict, repr=False)
    survivors: int = 0


class Evidence:
    """Collects over the runs of one job; called as the engine's witness."""

    def __init__(self) -> None:
        self.written: dict[str, bytes] = {}
        self._bytes = 0
        self._proc: list[int] = []
        self._runs = 0

    def __call__(self, sandbox: RunHome) -> None:
        self._runs += 1
        self._keep("standard error", sandbox.standard_error.encode())
        for path, descriptor in sandbox.open_folders().items():
            if path == PROC:
                self._proc.append(descriptor)
                continue
            try:
                for name, content in _files(descriptor):
                    self._keep(f"{path}/{name}", content)
                    if self._bytes > ALL_BYTES_MAX or len(self.written) > FILES_MAX:
                        break
            finally:
                os.close(descriptor)

    def _keep(self, name: str, content: bytes) -> None:
        self.written[f"run {self._runs}: {name}"] = content
        self._bytes += len(content)

    def survivors(self) -> int:
        """Return how many processes the sandboxes' own ``/proc`` still list: asked when they have been torn down."""
        count = 0
        for descriptor in self._proc:
            try:
                count += sum(name.isdigit() for name in os.listdir(descriptor))
            except OSError:
                pass
            os.close(descriptor)
        self._proc = []
        return count


def grade_witnessed(job: Job) -> WitnessedResult:
    """Grade a job and return with it what the run left."""
    evidence = Evidence()
    result = grade_one(job, evidence)
    return WitnessedResult(result.executed, result.ledger, result.receipt, result.log, evidence.written, evidence.survivors())


def _files(folder: int) -> Iterator[tuple[str, bytes]]:
    # by descriptor and without following links: the names below are a hostile student's.
    for path, _, names, inside in os.fwalk(".", dir_fd=folder, follow_symlinks=False, onerror=None):
        for name in names:
            try:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=inside)
            except OSError:
                continue
            try:
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    yield f"{path.removeprefix('.').lstrip('/')}/{name}".lstrip("/"), os.read(descriptor, FILE_BYTES_MAX)
            finally:
                os.close(descriptor)
