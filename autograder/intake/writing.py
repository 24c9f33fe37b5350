"""Files written whole or not at all, and only when they differ from what is there."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

_STAGING = ".partial"
_STALE_S = 3600.0


class WriteError(OSError):
    """A file could not be written; the text names it and says what to do."""


def write_whole(path: Path, content: bytes, root: Path) -> bool:
    """Write a file in one step: a reader sees the old content or the new.

    Args:
        path: where; its folder is made.
        content: what; where the file holds it already, nothing is touched, its modification time included.
        root: folder on the same disk that may hold a temporary file, out of reach of nbgrader's patterns.

    Returns:
        Whether anything was written.

    Raises:
        WriteError: the disk is full or the place is not writable; no temporary file is left.
    """
    temporary: str | None = None
    try:
        if _holds(path, content):
            return False
        staging = root / _STAGING
        staging.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=staging)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
        return True
    except OSError as error:
        raise _write_error(path, error) from error
    finally:
        if temporary is not None:
            _remove(Path(temporary))


def sync_folder(folder: Path, files: Mapping[str, bytes], root: Path) -> bool:
    """Make a folder hold exactly these files.

    Args:
        folder: which; made where it is missing.
        files: path below the folder to content.
        root: as for ``write_whole``.

    Returns:
        Whether anything changed.

    Raises:
        WriteError: see ``write_whole``.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise WriteError(errno.ENOTDIR, f"{folder} is not a folder of intake's own; remove it and run intake again")
    wanted = {folder / name: content for name, content in files.items()}
    changed = False
    for path in _present(folder):
        # a folder where a file is wanted, or anything that is not wanted, goes first.
        if path not in wanted or path.is_symlink():
            _remove(path)
            changed = True
    for path, content in wanted.items():
        changed = write_whole(path, content, root) or changed
    return changed


def remove_stale(root: Path) -> None:
    """Remove temporary files that a killed run left an hour ago or longer."""
    staging = root / _STAGING
    if not staging.is_dir():
        return
    for path in staging.iterdir():
        try:
            if time.time() - path.lstat().st_mtime > _STALE_S:
                path.unlink()
        except OSError:
            continue
    try:
        staging.rmdir()
    except OSError:
        # another run is at work in it.
        return


def _holds(path: Path, content: bytes) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_size == len(content) and path.read_bytes() == content
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False


def _present(folder: Path) -> list[Path]:
    found = [Path(current) / name for current, _, names in os.walk(folder) for name in names]
    links = [Path(current) / name for current, names, _ in os.walk(folder) for name in names if (Path(current) / name).is_symlink()]
    return sorted(found + links)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        text = f"{path} could not be removed ({error.strerror}); make its folder writable and run intake again"
        raise WriteError(error.errno, text) from error


def _write_error(path: Path, error: OSError) -> WriteError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WriteError(error.errno, f"{path} could not be written: the disk is full; free some space and run intake again")
    return WriteError(error.errno, f"{path} could not be written ({error.strerror}); make the folder writable and run intake again")
