"""Write a set's file: in batches, the same bytes every time, and whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from vislab.data.layout import provenance
from vislab.data.layout.conventions import CONVENTIONS, SCALED
from vislab.data.layout.faults import ContentInvalid
from vislab.data.layout.field import Field, column, dtype_name
from vislab.data.layout.provenance import Source
from vislab.data.layout.registry import SCHEMAS
from vislab.data.layout.schema import SCHEMA_VERSION, Table
from vislab.data.layout.verification import Report, content_hash, verify_file

# old enough for every HDF5 in use; groups of this format carry no times.
_LIBVER = ("earliest", "v108")
_GZIP_LEVEL = 4
_CHUNK_BYTES = 128 << 10
_BLOCK_BYTES = 16 << 20
_BLOCK_ROWS_MAX = 1024
# HDF5 keeps attributes of this format in the object header, which ends at 64 KiB.
_ATTRIBUTE_BYTES_MAX = 60_000


class DatasetWriter:
    """Writes one file of the layout; a context manager.

    Batches are appended to tables; a set larger than memory can be written. The bytes of the file depend on the content alone: not on
    the time, the path, nor on how rows were cut into batches. The file appears under its name when the ``with`` block has ended
    and the result has been verified; on an exception nothing is left.

    Args:
        path: where the file goes; its folder exists; a file there is replaced.
        set_name: one of ``SCHEMAS``.
        sources: what went into it; licences and attribution follow from them.
        generator: what writes it, module and version.
        seed: seed it was drawn with; None where nothing is drawn.
        attributes: the set's own attributes (``joint_names`` and so on); more may come by ``set_attribute``. Text, whole numbers,
            floats and lists of them.
        conventions: dataset's full name to convention, where the set allows more than one.
        extra: table path to fields beyond the registered ones; they describe themselves in the file.

    Raises:
        ContentInvalid: anything that breaks the layout, with the dataset, the value and the rule.
        ValueError: an unknown set.

    Example:
        >>> with DatasetWriter("icons.h5", "icons", sources=[...], generator="data_scripts.icons 1") as writer:  # doctest: +SKIP
        ...     for batch in batches:
        ...         writer.append(img=batch.img, polygon=batch.polygon, ...)
        ...     writer.set_dataset_attribute("polygon", mean=mean, scale=scale)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        set_name: str,
        *,
        sources: Iterable[Source],
        generator: str,
        seed: int | None = None,
        attributes: Mapping[str, object] | None = None,
        conventions: Mapping[str, str] | None = None,
        extra: Mapping[str, Iterable[Field]] | None = None,
    ) -> None:
        if set_name not in SCHEMAS:
            raise ValueError(f"set_name {set_name!r} must be one of {', '.join(SCHEMAS)}")
        self.path = Path(path)
        self.schema = SCHEMAS[set_name]
        self._conventions = dict(conventions or {})
        self._fields = {
            path: {field.name: field for field in (*table.fields, *(extra or {}).get(path, ()))}
            for path, table in self.schema.tables.items()
        }
        unknown = set(extra or {}) - set(self.schema.tables)
        if unknown:
            raise ContentInvalid(f"extra names the tables {sorted(unknown)}; {set_name} has {', '.join(map(repr, self.schema.tables))}")
        self._attributes: dict[str, object] = {
            "schema": SCHEMA_VERSION,
            "set": set_name,
            "title": self.schema.title,
            "generator": generator,
            **provenance.to_attributes(sources),
            **({} if seed is None else {"seed": seed}),
        }
        for name, value in (attributes or {}).items():
            self.set_attribute(name, value)
        self._dataset_attributes: dict[str, dict[str, object]] = {}
        self._letters: dict[str, dict[str, int]] = {}
        self._waiting: dict[str, list[dict[str, np.ndarray]]] = {}
        self._rows: dict[str, int] = {}
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        self._file: h5py.File | None = None
        self.report: Report | None = None

    def __enter__(self) -> DatasetWriter:
        self._file = h5py.File(self._partial, "w", libver=_LIBVER)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
                self.report = verify_file(self._partial)
                os.replace(self._partial, self.path)
        finally:
            if self._file is not None:
                self._file.close()
            self._partial.unlink(missing_ok=True)

    def append(self, table: str = "", **columns: object) -> None:
        """Append rows to a table.

        Args:
            table: the table's path, ``"RTS/train"`` say; ``""`` for sets of one table.
            columns: dataset's name to an array (or a list of text) with one row per example; dtypes are never converted.

        Raises:
            ContentInvalid: an unknown table or dataset, a wrong dtype, shape or value, columns of different lengths, or columns other
                than those of the first batch.
        """
        if self._file is None:
            raise RuntimeError("the writer is not open; append inside `with DatasetWriter(...) as writer:`")
        known = self._known(table)
        first = table not in self._letters
        letters = self._letters.setdefault(table, {})
        for name in set(columns) - set(known):
            raise ContentInvalid(
                f"{self._where(table, name)} is no dataset of {self.schema.name}; it has {', '.join(known)}; declare others by extra="
            )
        arrays = {name: column(known[name], columns[name], self._where(table, name)) for name in known if name in columns}
        if not first and set(arrays) != set(self._columns(table)):
            odd = sorted(set(arrays) ^ set(self._columns(table)))
            raise ContentInvalid(
                f"table {table!r}: every batch must bring the datasets of the first one; this one differs in {', '.join(odd)}"
            )
        problems = [
            text
            for name, array in arrays.items()
            for text in (
                *known[name].check_kind(dtype_name(array), array.shape, letters, self._where(table, name)),
                *known[name].check_values(array, self._where(table, name), self._rows.get(table, 0)),
            )
        ]
        lengths = {name: len(array) for name, array in arrays.items() if array.ndim}
        if len(set(lengths.values())) > 1:
            problems.append(f"table {table!r}: the columns of a batch must have equal lengths, here {lengths}")
        if problems:
            raise ContentInvalid("\n".join(problems))
        if first:
            self._create(table, arrays)
        self._rows[table] = self._rows.get(table, 0) + next(iter(lengths.values()), 0)
        # a builder may fill the same array again.
        self._waiting[table].append({name: array.copy() for name, array in arrays.items()})
        self._flush(table, last=False)

    def set_attribute(self, name: str, value: object) -> None:
        """Set a file attribute; the last value counts."""
        derived = ("schema", "set", "title", "sources", "licences", "attribution", "content")
        if name in derived:
            raise ContentInvalid(f"attribute {name} is derived by the writer; it must not be set; leave it out")
        _attribute(name, value)
        self._attributes[name] = value

    def set_dataset_attribute(self, dataset: str, **values: object) -> None:
        """Set attributes of one dataset, by its full name; ``mean`` and ``scale`` of standardised polygons, say."""
        for name, value in values.items():
            _attribute(f"{dataset}.{name}", value)
        self._dataset_attributes.setdefault(dataset, {}).update(values)

    def _known(self, table: str) -> dict[str, Field]:
        if table not in self._fields:
            raise ContentInvalid(f"table {table!r} must be one of {', '.join(map(repr, self._fields))}, the tables of {self.schema.name}")
        return self._fields[table]

    def _where(self, table: str, name: str) -> str:
        return Table(table, ()).where(name)

    def _columns(self, table: str) -> list[str]:
        assert self._file is not None
        return [name for name in self._fields[table] if self._where(table, name) in self._file]

    def _create(self, table: str, arrays: Mapping[str, np.ndarray]) -> None:
        assert self._file is not None
        self._waiting[table] = []
        block = block_rows(arrays)
        for name, array in arrays.items():
            field = self._fields[table][name]
            dataset = self._file.create_dataset(
                self._where(table, name),
                shape=(0, *array.shape[1:]),
                maxshape=(None, *array.shape[1:]),
                chunks=(chunk_rows(array, block), *array.shape[1:]),
                dtype=h5py.string_dtype() if field.dtype == "str" else array.dtype,
                compression="gzip",
                compression_opts=_GZIP_LEVEL,
                shuffle=array.dtype.itemsize > 1,
                # text lies outside the chunks, where no filter reaches it; the attribute content covers it.
                fletcher32=field.dtype != "str",
                track_times=False,
            )
            for key, value in self._describe(table, field).items():
                dataset.attrs[key] = value

    def _describe(self, table: str, field: Field) -> dict[str, object]:
        where = self._where(table, field.name)
        described: dict[str, object] = {"meaning": field.meaning, "shape": field.spell(), "unit": field.unit}
        if field.low is not None:
            described["low"] = float(field.low)
        if field.high is not None:
            described["high"] = float(field.high)
        if field.label:
            described["label"] = 1
        if field.conventions:
            convention = self._conventions.get(where, field.conventions[0])
            if convention not in field.conventions:
                raise ContentInvalid(f"conventions[{where!r}] is {convention!r}; it must be one of {', '.join(field.conventions)}")
            described["convention"] = convention
            described["convention_text"] = CONVENTIONS[convention]
            if convention == "pixel":
                described["unit"] = "pixel"
            elif convention in SCALED:
                described["unit"] = "standard deviation"
        return dict(sorted(described.items()))

    def _flush(self, table: str, last: bool) -> None:
        assert self._file is not None
        waiting = self._waiting[table]
        rows = sum(len(next(iter(batch.values()))) for batch in waiting)
        if not waiting:
            return
        block = block_rows(waiting[0])
        if rows < block and not last:
            return
        joined = {name: np.concatenate([batch[name] for batch in waiting]) for name in waiting[0]}
        # whole blocks alone, so that the order of chunks in the file does not depend on how rows were cut into batches.
        stop = rows if last else rows - rows % block
        for start in range(0, stop, block):
            for name, array in joined.items():
                dataset = self._file[self._where(table, name)]
                piece = array[start : min(start + block, stop)]
                dataset.resize(len(dataset) + len(piece), axis=0)
                dataset[len(dataset) - len(piece) :] = piece
        waiting[:] = [{name: array[stop:] for name, array in joined.items()}] if stop < rows else []

    def _finish(self) -> None:
        assert self._file is not None
        for table in self._waiting:
            self._flush(table, last=True)
        for where, values in sorted(self._dataset_attributes.items()):
            if where not in self._file:
                raise ContentInvalid(f"attributes were set for {where}, which was never appended")
            for name, value in sorted(values.items()):
                self._file[where].attrs[name] = _attribute(f"{where}.{name}", value)
        for name, value in sorted(self._attributes.items()):
            self._file.attrs[name] = _attribute(name, value)
        self._file.attrs["content"] = content_hash(self._file)
        self._file.close()


def block_rows(arrays: Mapping[str, np.ndarray]) -> int:
    """Rows that are written at a time: a power of two, 16 MiB at most."""
    row_bytes = sum(_row_bytes(array) for array in arrays.values())
    return min(_BLOCK_ROWS_MAX, _power_of_two(_BLOCK_BYTES // max(1, row_bytes)))


def chunk_rows(array: np.ndarray, block: int) -> int:
    """Rows of a chunk: a power of two that divides the block, 128 KiB at most where a row is smaller."""
    return min(block, _power_of_two(_CHUNK_BYTES // max(1, _row_bytes(array))))


def _row_bytes(array: np.ndarray) -> int:
    item = 16 if array.dtype == object else array.dtype.itemsize
    return item * int(np.prod(array.shape[1:], dtype=np.int64))


def _power_of_two(limit: int) -> int:
    return 1 << (max(1, limit).bit_length() - 1)


def _attribute(name: str, value: object) -> object:
    """What h5py is given for an attribute's value."""
    if isinstance(value, bool) or value is None:
        raise ContentInvalid(f"attribute {name} is {value!r}; it must be text, a number, or a list of one of them; write 0 or 1")
    if isinstance(value, str):
        stored: object = value
        size = len(value.encode())
    elif isinstance(value, (int, np.integer)):
        stored, size = np.int64(value), 8
    elif isinstance(value, (float, np.floating)):
        stored, size = np.float64(value), 8
    elif isinstance(value, (list, tuple)) and value and all(isinstance(part, str) for part in value):
        stored, size = np.array(value, dtype=h5py.string_dtype()), 16 * len(value)
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" or array.size == 0:
            raise ContentInvalid(f"attribute {name} is {value!r:.60}; it must be text, a number, or a list of one of them, not empty")
        stored, size = array.astype(np.float64 if array.dtype.kind == "f" else np.int64), 8 * array.size
    if size > _ATTRIBUTE_BYTES_MAX:
        raise ContentInvalid(f"attribute {name} takes {size} bytes; at most {_ATTRIBUTE_BYTES_MAX} fit; store it as a dataset by extra=")
    return stored
