"""Replace a generated folder in one step."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that takes its place when the block ends well.

    When the block raises, ``target`` stays as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # beside the target: renaming works inside one file system only.
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        fresh = staging / "new"
        fresh.mkdir()
        yield fresh
        old = staging / "old"
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def files_below(folder: Path) -> dict[str, Path]:
    """Return all files of a folder by their relative POSIX path, in sorted order."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return dict(sorted(found.items()))
