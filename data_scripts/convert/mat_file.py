"""Sees that a MATLAB file is whole before SciPy parses it: its parser takes lengths on trust, and damaged ones can end the process."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO, Literal

from data_scripts.convert.faults import SourceInvalid

_HEAD_BYTES = 128
_COMPRESSED = 15
_HDF5_VERSION = 0x0200
_READ_BYTES = 1 << 16


def has_checksums(path: Path, remedy: str) -> bool:
    """Unpack every variable once and compare its checksum.

    Args:
        path: a file of MATLAB's format 5 to 7.
        remedy: what to pass instead.

    Returns:
        Whether every variable is packed, and so has a checksum (format 7, in which MPII is published); else lengths alone are checked.

    Raises:
        SourceInvalid: no MATLAB file, of format 7.3, truncated or damaged.
    """
    everything = True
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        orders: dict[bytes, Literal["little", "big"]] = {b"IM": "little", b"MI": "big"}
        order = orders.get(head[126:128])
        if order is None:
            raise _damaged(path, f"it begins with {head[:8]!r}", remedy)
        if int.from_bytes(head[124:126], order) == _HDF5_VERSION:
            raise SourceInvalid(
                f"{path} is of MATLAB's format 7.3, which SciPy does not read; it must be 5 to 7; in MATLAB, save it with -v7"
            )
        while tag := file.read(8):
            if len(tag) < 8:
                raise _damaged(path, "it breaks off between two variables", remedy)
            packed = int.from_bytes(tag[:4], order) == _COMPRESSED
            everything &= packed
            _variable(path, file, int.from_bytes(tag[4:], order), packed, remedy)
    return everything


def _variable(path: Path, file: BinaryIO, size: int, packed: bool, remedy: str) -> None:
    unpacker = zlib.decompressobj()
    while size:
        piece = file.read(min(size, _READ_BYTES))
        if not piece:
            raise _damaged(path, "it breaks off within a variable", remedy)
        size -= len(piece)
        try:
            # unpacked a little at a time, since a few bytes may stand for gigabytes.
            while packed and piece:
                unpacker.decompress(piece, _READ_BYTES)
                piece = unpacker.unconsumed_tail
        except zlib.error as error:
            raise _damaged(path, str(error), remedy) from error
    if packed and not unpacker.eof:
        raise _damaged(path, "a variable ends before its checksum", remedy)


def _damaged(path: Path, what: str, remedy: str) -> SourceInvalid:
    return SourceInvalid(f"{path} is no MATLAB file, or is damaged or truncated: {what}; copy it again; {remedy}")
