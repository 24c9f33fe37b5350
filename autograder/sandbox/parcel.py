"""What the first program inside the walls is told on its standard input: one JSON plan, then the bytes of the files."""

from __future__ import annotations

import json
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.sandbox.faults import WorkFilesError

WorkFiles = Mapping[str, bytes | Path]
_NAME_BYTES_MAX = 255
# What a forked child waits for after its parcel; a parcel that ends without it is no word to go.
GO = b"go"


def pack(plan: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the parcel piece by piece.

    Args:
        plan: JSON object for ``inner.py``; ``files`` is added to it.
        files: absolute path inside the walls to content.
    """
    head = json.dumps({**plan, "files": [[path, len(content)] for path, content in files.items()]}).encode()
    yield struct.pack(">Q", len(head))
    yield head
    yield from files.values()


def load_work_files(work_files: WorkFiles, size_bytes_max: int) -> dict[str, bytes]:
    """Read a submission's files once, so that what is graded is what was read.

    Args:
        work_files: path relative to the working directory to content, or to a regular file on this side of the walls.
        size_bytes_max: total size that fits into the sandbox, bytes.

    Raises:
        WorkFilesError: a path that leaves the working directory, a source that is no regular file, or too much in total.
    """
    loaded: dict[str, bytes] = {}
    total = 0
    for name, source in work_files.items():
        _check_name(name)
        content = source if isinstance(source, bytes) else _read_regular(name, source, size_bytes_max)
        total += len(content)
        if total > size_bytes_max:
            raise WorkFilesError(
                f"work files of more than {size_bytes_max} bytes (at {name!r}) exceed limits.files_mib; leave files out or raise files_mib"
            )
        loaded[name] = content
    for name in loaded:
        clash = next((str(parent) for parent in PurePosixPath(name).parents if str(parent) in loaded), None)
        if clash is not None:
            raise WorkFilesError(f"work file {clash!r} cannot be a file and the folder of {name!r}; rename one of them")
    return loaded


def regular_files(folder: Path) -> dict[str, bytes | Path]:
    """List the regular files below a folder as work files; symbolic links, pipes and devices are left out."""
    found: dict[str, bytes | Path] = {}
    for parent, _, names in os.walk(folder, followlinks=False):
        for name in sorted(names):
            path = Path(parent) / name
            if stat.S_ISREG(path.lstat().st_mode):
                found[path.relative_to(folder).as_posix()] = path
    return dict(sorted(found.items()))


def _check_name(name: str) -> None:
    parts = name.split("/")
    if not name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise WorkFilesError(f"work file {name!r} must be a relative path inside the working directory, without '.', '..' or empty parts")
    try:
        size_bytes = max(len(os.fsencode(part)) for part in parts)
    except UnicodeEncodeError as error:
        raise WorkFilesError(f"work file {name!r} must have a name that is valid Unicode; rename it") from error
    if size_bytes > _NAME_BYTES_MAX:
        raise WorkFilesError(f"work file {name[:40]!r}… must have names of at most {_NAME_BYTES_MAX} bytes; shorten them")


def _read_regular(name: str, source: Path, size_bytes_max: int) -> bytes:
    try:
        # NONBLOCK: opening a pipe nobody writes to would hang. NOFOLLOW: a link could lead anywhere on this machine.
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise WorkFilesError(f"work file {name!r} cannot be read from {source}: {error.strerror}; give a regular file") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise WorkFilesError(f"work file {name!r} comes from {source}, which is no regular file; give a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            return stream.read(size_bytes_max + 1)
    finally:
        os.close(descriptor)
