"""Open a data file, whoever wrote it, and hand out named tensors with their units."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from vislab.data.info import FieldInfo
from vislab.data.layout.faults import DatasetMissing, FileForeign
from vislab.data.layout.opening import opened, schema_of
from vislab.data.location import find_file
from vislab.data.recipes import (
    Recipe,
    is_original_icons,
    is_original_pose,
    layout_recipes,
    original_icon_recipes,
    original_pose_recipes,
)

Rows = slice | np.ndarray | Sequence[int] | Tensor


class Column:
    """One dataset; nothing is read until it is asked for.

    ``column.numpy()`` reads all rows once and keeps them, ``column.tensor(device)`` hands them to torch without a copy on a CPU,
    ``column[rows]`` reads some rows, ``column.info`` says what the numbers are (``column.unit`` and ``column.meaning`` for short).
    """

    def __init__(self, dataset: Dataset, info: FieldInfo) -> None:
        self._dataset = dataset
        self.info = info
        self._kept: np.ndarray | None = None

    unit = property(lambda self: self.info.unit, doc="Unit of the numbers.")
    meaning = property(lambda self: self.info.meaning, doc="One line.")
    shape = property(lambda self: (len(self._dataset), *self.info.shape), doc="Rows, then the shape of one row.")
    dtype = property(lambda self: self.info.dtype, doc="Numpy name, or ``str``.")

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, rows: int | Rows) -> np.ndarray:
        if isinstance(rows, (int, np.integer)):
            return self._dataset.read(self.info.name, np.array([rows]))[0]
        if self._kept is not None:
            return self._kept[np.asarray(rows) if not isinstance(rows, slice) else rows]
        return self._dataset.read(self.info.name, rows)

    def numpy(self) -> np.ndarray:
        """All rows; text is an array of ``str``."""
        if self._kept is None:
            self._kept = self._dataset.read(self.info.name, slice(None))
        return self._kept

    def tensor(self, device: torch.device | str | None = None) -> Tensor:
        """All rows as a tensor, in the stored dtype.

        Raises:
            TypeError: text.
        """
        if self.info.dtype == "str":
            raise TypeError(f"{self.info.name} is text; it has no tensor; read it with dataset[{self.info.name!r}].numpy()")
        tensor = torch.from_numpy(self.numpy())
        return tensor if device is None else tensor.to(device)

    def __repr__(self) -> str:
        return f"Column({self.info.name!r}, {self.dtype}, shape {self.shape}, {self.unit}: {self.meaning})"


class Dataset:
    """One table of a data file, made by ``open_dataset``.

    ``dataset["img"]`` is a ``Column``; ``len(dataset)`` counts rows; ``dataset.info`` maps names to ``FieldInfo``;
    ``dataset.attributes`` holds what the file says of itself (licences, sources, joint names ...); ``dataset.tables`` lists the tables of
    the file; ``dataset.origin`` is ``"layout"``, ``"original icons"`` or ``"original pose"``. The file is opened for each reading and
    closed again.
    """

    def __init__(
        self, path: Path, set_name: str, origin: str, table: str, tables: tuple[str, ...], attributes: dict[str, object], length: int,
        recipes: dict[str, Recipe], chunk_rows: int,
    ) -> None:  # fmt: skip
        self.path, self.set_name, self.origin, self.table, self.tables = path, set_name, origin, table, tables
        self.attributes = attributes
        self.chunk_rows = chunk_rows
        self._length = length
        self._recipes = recipes
        self.info = {name: recipe.info for name, recipe in recipes.items()}
        self._columns = {name: Column(self, info) for name, info in self.info.items()}

    def __len__(self) -> int:
        return self._length

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __getitem__(self, name: str) -> Column:
        if name not in self._columns:
            raise DatasetMissing(f"{self.path} has no dataset {name!r}{self._of_table()}; it has {', '.join(self._columns)}")
        return self._columns[name]

    def read(self, name: str, rows: Rows) -> np.ndarray:
        """Read rows of one dataset, in the order asked for, as they are handed out.

        Raises:
            DatasetMissing: no such dataset.
            IndexError: a row that is not there.
            FileDamaged: stored bytes that do not match their checksums.
        """
        self[name]
        with self.reading() as file:
            return self.read_from(file, name, rows)

    @contextmanager
    def reading(self) -> Iterator[h5py.File]:
        """Keep the file open for several calls of ``read_from``."""
        with opened(self.path) as file:
            yield file

    def read_from(self, file: h5py.File, name: str, rows: Rows) -> np.ndarray:
        """``read`` from a file opened by ``reading``."""
        recipe = self._recipes[name]
        stored = file[recipe.stored]
        if recipe.info.dtype == "str":
            stored = stored.asstr()
        if isinstance(rows, slice):
            return recipe.convert(np.asarray(stored[rows]))
        index = np.asarray(rows, dtype=np.int64)
        if index.size and (index.min() < 0 or index.max() >= self._length):
            raise IndexError(f"rows of {name} run from 0 to {self._length - 1}; got {int(index.min())} to {int(index.max())}")
        return recipe.convert(_gather(stored, index, self.chunk_rows, recipe.info.dtype == "str"))

    def __repr__(self) -> str:
        return f"Dataset({self.set_name!r}{self._of_table()}, {len(self)} rows, {', '.join(self._columns)}; {self.origin}, {self.path})"

    def _of_table(self) -> str:
        return f" in table {self.table!r}" if self.table else ""


def open_dataset(path_or_name: str | os.PathLike[str], table: str | None = None) -> Dataset:
    """Open a data file: one of the course's sets, the original icon file, or a file of the original pose schema.

    Args:
        path_or_name: a path, or a set's name (``"icons"``), looked for as ``vislab.data.location.find_file`` says.
        table: which table of a set that has several: ``"RTS/train"`` of digits, ``"train"`` of scenes. None where there is one.

    Returns:
        Named columns with units; nothing but the file's head is read.

    Raises:
        FileNotFoundError: no such file or set.
        FileForeign: no HDF5 file, or one that is none of the three kinds.
        FileDamaged: truncated, or broken inside.
        FileNewer: written by a newer version of the layout.
        DatasetMissing: a dataset, an attribute or a table is not there, or a set of several tables was opened without naming one.
        ContentInvalid: a dtype, a shape or a convention breaks the layout.

    Convention:
        The same whichever file was opened. ``polygon``: ``[n, 2, 96]`` float32, x first, **standardised, y up**: mean 0 and deviation 1
        per axis over the file, vertices clockwise on the screen, the last joined to the first (a repeated first vertex at the end is
        possible: 64 % of the original's). Where ``info["polygon"].mean`` is known, ``x_pixel = mean[0] + scale[0] · x`` and
        ``y_pixel = mean[1] − scale[1] · y``.
        ``pose_2d``: ``[n, J, 2]`` float32, x first, pixels, y down, pixel centres at whole numbers, so that −0.5 is the image's edge;
        the original's 0..1 become ``value · W − 0.5``. ``img``: ``[n, 3, H, W]`` as stored.

    Example:
        >>> icons = open_dataset("icons")  # doctest: +SKIP
        >>> icons["polygon"].tensor().shape, icons["polygon"].unit  # doctest: +SKIP
        (torch.Size([9346, 2, 96]), 'standard deviation')
    """
    path = find_file(path_or_name)
    with opened(path) as file:
        if is_original_icons(file):
            return _dataset(path, file, "icons", "original icons", "", ("",), original_icon_recipes(file))
        if is_original_pose(file):
            return _dataset(path, file, "pose", "original pose", "", ("",), original_pose_recipes(file))
        try:
            schema = schema_of(file)
        except FileForeign as error:
            raise FileForeign(f"{error}; read as it is are files of the layout, the original icons (img, polygon) and poses") from None
        present = tuple(name for name in schema.tables if (file.get(name or "/") is not None))
        if table is None and len(schema.tables) == 1:
            table = next(iter(schema.tables))
        if table is None or table not in present:
            what = "needs one of its tables" if table is None else f"has no table {table!r}"
            raise DatasetMissing(f"{path} ({schema.name}) {what}; pass table= one of {', '.join(map(repr, present))}")
        return _dataset(path, file, schema.name, "layout", table, present, layout_recipes(file, schema, schema.tables[table]))


def _dataset(
    path: Path, file: h5py.File, set_name: str, origin: str, table: str, tables: tuple[str, ...], recipes: dict[str, Recipe]
) -> Dataset:
    stored = [file[recipe.stored] for recipe in recipes.values()]
    # rows that share a chunk in the largest dataset are best read together.
    largest = max(stored, key=lambda item: item.size * item.dtype.itemsize)
    chunk_rows = int(largest.chunks[0]) if largest.chunks else 64
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    return Dataset(path, set_name, origin, table, tables, attributes, len(stored[0]), recipes, chunk_rows)


def _gather(stored: h5py.Dataset, index: np.ndarray, chunk_rows: int, text: bool) -> np.ndarray:
    """Rows in any order, by reading each run of neighbouring chunks once."""
    shape = (len(index), *stored.shape[1:])
    found = np.empty(shape, dtype=object if text else stored.dtype)
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    chunks = ordered // chunk_rows
    ends = np.flatnonzero(np.diff(chunks) > 1) + 1
    for piece in np.split(np.arange(len(ordered)), ends) if len(ordered) else []:
        first, last = int(ordered[piece[0]]), int(ordered[piece[-1]])
        found[order[piece]] = stored[first : last + 1][ordered[piece] - first]
    return found


def _plain(value: object) -> object:
    array = np.asarray(value)
    return array.tolist() if array.ndim else (value if isinstance(value, str) else array.item())
