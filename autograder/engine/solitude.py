"""Alone on this machine: a limit is confirmed only where nothing else took the time."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def solitude(course: Path, alone: bool) -> Iterator[None]:
    """Run beside others, or alone.

    Args:
        course: names what belongs together; runs of other courses are not waited for.
        alone: wait until every other run has ended, and hold new ones back.
    """
    path = lock_path(course)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def lock_path(course: Path) -> Path:
    """Return the lock file of a course: in the user's own cache, where nobody else can put a file in its way."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "vislab" / f"solitude-{hashlib.sha256(str(course.resolve()).encode()).hexdigest()[:16]}"
