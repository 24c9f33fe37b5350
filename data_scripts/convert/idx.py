"""IDX, the format of MNIST's files, plain or in gzip: read row by row, never whole."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from data_scripts.convert.faults import SourceInvalid

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTE = 8
_AXES_MAX = 3
_SIDE_MAX = 4096


@dataclass(frozen=True)
class Header:
    """What an IDX file of unsigned bytes says of itself: its shape; the first number counts rows."""

    path: Path
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return int(np.prod(self.shape[1:], dtype=np.int64))


def header(path: Path) -> Header:
    """Read the head of a file.

    Raises:
        FileNotFoundError: no file there.
        SourceInvalid: no IDX file of unsigned bytes with one or three axes.
    """
    with _opened(path) as stream:
        return _header(path, stream)


def rows(head: Header, count: int) -> Iterator[np.ndarray]:
    """Read a file from its first row on.

    Args:
        head: its head.
        count: rows read at once, 1 or more.

    Yields:
        uint8 [rows, ...], ``count`` rows, the last time fewer.

    Raises:
        SourceInvalid: it breaks off, is damaged, or goes on after its last row.
    """
    with _opened(head.path) as stream:
        _header(head.path, stream)
        total = head.shape[0]
        for start in range(0, total, count):
            wanted = min(count, total - start)
            read = _read(head.path, stream, wanted * head.row_bytes)
            if len(read) < wanted * head.row_bytes:
                there = start + len(read) // max(1, head.row_bytes)
                raise SourceInvalid(f"{head.path} breaks off after {there} rows; its head promises {total}; it is truncated; copy it again")
            yield np.frombuffer(read, np.uint8).reshape(wanted, *head.shape[1:])
        if _read(head.path, stream, 1):
            raise SourceInvalid(f"{head.path} goes on after the {total} rows that its head promises; it is damaged; copy it again")


def _header(path: Path, stream: BinaryIO) -> Header:
    magic = _read(path, stream, 4)
    remedy = "pass train-images-idx3-ubyte and so on, plain or .gz"
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise SourceInvalid(f"{path} is no IDX file: it begins with {magic!r}; two zero bytes must come first; {remedy}")
    if magic[2] != _UNSIGNED_BYTE or magic[3] not in (1, _AXES_MAX):
        raise SourceInvalid(
            f"{path} holds IDX type {magic[2]} with {magic[3]} axes; it must be type 8 (unsigned bytes) with 1 axis (labels) or 3"
            f" (pictures); {remedy}"
        )
    sizes = _read(path, stream, 4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise SourceInvalid(f"{path} breaks off in its head; it is truncated; copy it again")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    if not all(1 <= side <= _SIDE_MAX for side in shape[1:]):
        raise SourceInvalid(
            f"{path} promises pictures of {shape[1:]} pixels; sides must lie in [1, {_SIDE_MAX}]; it is damaged; copy it again"
        )
    return Header(path, shape)


def _read(path: Path, stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceInvalid(f"{path} is damaged or truncated: {error}; copy it again") from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; it must be an IDX file, plain or .gz; pass the files as they were published")
    with path.open("rb") as plain:
        packed = plain.read(2) == _GZIP
        plain.seek(0)
        if packed:
            with gzip.open(plain) as stream:
                yield cast(BinaryIO, stream)
        else:
            yield plain
