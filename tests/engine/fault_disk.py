"""A disk that can be filled: a small one of its own for root, a limit on the size of files for anybody else."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

SIZE_MIB = 96
BALLAST = "ballast"
# room for nothing: even a page of the gradebook is larger.
FILE_BYTES = 512


class Disk:
    """A folder on a disk of its own where this machine allows it.

    Args:
        folder: where it is mounted; made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = False

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0 and shutil.which("mount"):
            options = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(self.folder)]
            self.mounted = subprocess.run(options, capture_output=True, timeout=60).returncode == 0
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.mounted:
            # lazily: a process that is just dying may still have a file of it open.
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True, timeout=60)

    @contextmanager
    def full(self, pid: int) -> Iterator[None]:
        """Leave no room inside the block, for process ``pid`` at least."""
        if self.mounted:
            self._fill()
            try:
                yield
            finally:
                self.empty()
            return
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (FILE_BYTES, hard))
        try:
            yield
        finally:
            try:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
            except ProcessLookupError:
                # it has ended, and its limit with it.
                pass

    def _fill(self) -> None:
        with open(self.folder / BALLAST, "wb", buffering=0) as file:
            for piece in (1 << 20, 1 << 12):
                while True:
                    try:
                        if file.write(b"\0" * piece) < piece:
                            break
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                        break

    def empty(self) -> None:
        """Give the room back."""
        (self.folder / BALLAST).unlink(missing_ok=True)
