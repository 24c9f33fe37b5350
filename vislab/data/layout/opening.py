"""Open a data file and tell what it is, or say clearly why not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from vislab.data.layout.faults import DataFileError, FileDamaged, FileForeign, FileNewer
from vislab.data.layout.registry import SCHEMAS
from vislab.data.layout.schema import SCHEMA_VERSION, Schema

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Open a file for reading; what HDF5 says about damage becomes ``FileDamaged``.

    Args:
        path: an HDF5 file.

    Yields:
        The open file; it is closed when the ``with`` block ends.

    Raises:
        FileNotFoundError: no file there.
        FileForeign: no HDF5 file.
        FileDamaged: truncated, or bytes that do not match their checksums, now or while it is read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; build the sets with `make data`, or pass the path of an HDF5 file")
    with path.open("rb") as stream:
        head = stream.read(len(_SIGNATURE))
    if head != _SIGNATURE:
        raise FileForeign(f"{path} is no HDF5 file (it starts with {head!r}); pass a file that `make data` built")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except DataFileError:
        raise
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError) as error:
        # h5py has no classes of its own: its KeyErrors begin like this, the others come from HDF5 or from text it returned.
        if isinstance(error, KeyError) and "Unable to" not in str(error):
            raise
        raise FileDamaged(f"{path} is damaged or truncated: {_reason(error)}; build or copy it again") from error


def schema_of(file: h5py.File) -> Schema:
    """Find the schema of an open file of this layout.

    Args:
        file: an open file.

    Returns:
        The set's schema, in the version that this package writes.

    Raises:
        FileForeign: no file attributes ``schema`` and ``set``, or a set nobody knows.
        FileNewer: a newer version of the layout.
    """
    version, name = file.attrs.get("schema"), file.attrs.get("set")
    if version is None or name is None:
        held = ", ".join(sorted(file)) or "nothing"
        raise FileForeign(
            f"{file.filename} is a foreign HDF5 file: it lacks the attributes schema and set (it holds {held}); convert it first"
        )
    try:
        number = int(version)
    except (TypeError, ValueError):
        raise FileForeign(f"{file.filename}: attribute schema is {version!r}; it must be a whole number") from None
    if number > SCHEMA_VERSION:
        raise FileNewer(f"{file.filename} has layout version {number}; this vislab reads up to {SCHEMA_VERSION}; upgrade vislab")
    if number < 1:
        raise FileForeign(f"{file.filename}: attribute schema is {number}; versions start at 1")
    if name not in SCHEMAS:
        raise FileForeign(f"{file.filename} holds the set {name!r}; it must be one of {', '.join(SCHEMAS)}")
    return SCHEMAS[name]


def _reason(error: Exception) -> str:
    text = str(error.args[0]) if error.args else type(error).__name__
    return text.splitlines()[0] if text else type(error).__name__
