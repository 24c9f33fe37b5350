"""What the two original HDF5 files have in common: datasets that must be there, read in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from data_scripts.convert.faults import SourceInvalid

_PIECE_BYTES_MAX = 64 << 20


def dataset(file: h5py.File, name: str, rule: str, remedy: str) -> h5py.Dataset:
    """Return a dataset of a source.

    Raises:
        SourceInvalid: it is not there, or its numbers are of no type that numpy has.
    """
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        held = ", ".join(sorted(file)) or "nothing"
        raise SourceInvalid(f"{file.filename} lacks the dataset {name}, which must be {rule}; it holds {held}; {remedy}")
    try:
        _ = found.dtype
    except (TypeError, ValueError) as error:
        raise SourceInvalid(
            f"{file.filename}: {name} has a type of numbers that cannot be read: {error}; it must be {rule}; {remedy}"
        ) from error
    return found


def refuse_layout(file: h5py.File) -> None:
    """Refuse a file that is of the layout already."""
    if "schema" in file.attrs and "set" in file.attrs:
        raise SourceInvalid(f"{file.filename} is a file of the layout already, of the set {file.attrs['set']}; open it as it is")


def one_length(path: Path, datasets: dict[str, h5py.Dataset]) -> int:
    """Return the number of rows.

    Raises:
        SourceInvalid: the datasets have different numbers, or none.
    """
    lengths = {name: len(held) for name, held in datasets.items()}
    if len(set(lengths.values())) > 1 or not all(lengths.values()):
        raise SourceInvalid(f"{path}: the datasets have {lengths} rows; they must have equally many, one at least; copy it again")
    return next(iter(lengths.values()))


def piece_rows(held: h5py.Dataset, least: int) -> int:
    """Return how many rows to read at once: whole chunks, so that none is unpacked twice, unless they are too large to hold.

    Args:
        held: the largest dataset of the file.
        least: rows, 1 or more.
    """
    chunk = int(held.chunks[0]) if held.chunks else 1
    rows = -(-least // chunk) * chunk
    row_bytes = held.dtype.itemsize * int(np.prod(held.shape[1:], dtype=np.int64))
    return rows if rows * row_bytes <= _PIECE_BYTES_MAX else least


def pieces(rows: int, size: int) -> Iterator[slice]:
    """Cut rows into pieces."""
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def within(values: np.ndarray, most: float, name: str, first_row: int, path: Path, remedy: str) -> None:
    """Refuse NaN, and numbers beyond ``most`` either way."""
    # written so that NaN fails.
    wrong = np.argwhere(~(np.abs(values) <= most))
    if len(wrong):
        place = [int(wrong[0][0]) + first_row, *wrong[0][1:].tolist()]
        raise SourceInvalid(f"{path}: {name}{place} is {values[tuple(wrong[0])]}; it must be a number within {most:g}; {remedy}")
