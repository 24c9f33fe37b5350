"""Check a file against its schema: dtypes, shapes, ranges, units, provenance, and what must hold across datasets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import h5py
import numpy as np

from vislab.data.layout import provenance
from vislab.data.layout.conventions import SCALED
from vislab.data.layout.faults import ContentInvalid
from vislab.data.layout.field import Field
from vislab.data.layout.opening import opened, schema_of
from vislab.data.layout.rules import RULES
from vislab.data.layout.schema import COMMON_ATTRIBUTES, SPLITS, Attribute, Schema, Table

_BLOCK_BYTES = 32 << 20
_TOLD_MAX = 20


@dataclass
class Report:
    """What ``inspect_file`` found.

    Args:
        set_name: the set's name.
        schema: version of the layout.
        rows: rows by table.
        splits: rows by table and split, where a table has codes.
        licences: of everything in the file.
        size_bytes: the file's size on disk.
        content: SHA-256 over names, shapes, dtypes, attributes and values: equal for files of equal content, however compressed.
        problems: a sentence each; empty when all is well.
    """

    set_name: str
    schema: int
    rows: dict[str, int] = field(default_factory=dict)
    splits: dict[str, dict[str, int]] = field(default_factory=dict)
    licences: list[str] = field(default_factory=list)
    size_bytes: int = 0
    content: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify_file(path: str | os.PathLike[str]) -> Report:
    """Check a file and refuse it where anything is wrong.

    Args:
        path: a file of this layout.

    Returns:
        The report, of a file without problems.

    Raises:
        ContentInvalid: with every problem, a line each.
        FileNotFoundError, FileForeign, FileDamaged, FileNewer: the file cannot be read at all.
    """
    report = inspect_file(path)
    if report.problems:
        more = len(report.problems) - _TOLD_MAX
        lines = report.problems[:_TOLD_MAX] + ([f"and {more} more"] if more > 0 else [])
        raise ContentInvalid(f"{path} breaks the layout of {report.set_name}:\n  " + "\n  ".join(lines))
    return report


def inspect_file(path: str | os.PathLike[str]) -> Report:
    """Check a file; what is wrong with its content stands in the report.

    Args:
        path: a file of this layout.

    Returns:
        The report, problems included.

    Raises:
        FileNotFoundError, FileForeign, FileDamaged, FileNewer: the file cannot be read at all.
    """
    with opened(path) as file:
        schema = schema_of(file)
        report = Report(schema.name, int(file.attrs["schema"]), size_bytes=os.path.getsize(path))
        report.problems += _attribute_problems(file, schema)
        report.problems += _stray_problems(file, schema)
        for table in schema.tables.values():
            report.problems += _table_problems(file, schema, table, report)
        if not report.problems:
            # rules may take for granted what has been checked until here.
            for name in schema.rules:
                report.problems += RULES[name](file)
        report.licences = [str(name) for name in file.attrs.get("licences", [])]
        report.content = content_hash(file)
        if file.attrs.get("content", report.content) != report.content:
            report.problems.append(
                f"attribute content is {file.attrs['content']!r:.20}...; the content gives {report.content[:12]}...; it was changed"
            )
    return report


def content_hash(file: h5py.File) -> str:
    """Digest everything a reader can see but the attribute ``content``, in a fixed order; compression and chunks do not count.

    Args:
        file: an open file.

    Returns:
        SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()

    def attributes(item: h5py.Group | h5py.Dataset) -> None:
        for name in sorted(set(item.attrs) - {"content"}):
            value = np.asarray(item.attrs[name])
            digest.update(f"@{name} {value.dtype.kind} {value.shape} {value.tolist()!r}\n".encode())

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        digest.update(f"{name} {'group' if isinstance(item, h5py.Group) else f'{stored_dtype(item)} {item.shape}'}\n".encode())
        attributes(item)
        if isinstance(item, h5py.Dataset):
            for _, block in blocks(item):
                if block.dtype == object:
                    for text in block.reshape(-1):
                        digest.update(len(text).to_bytes(8, "little") + text)
                else:
                    digest.update(np.ascontiguousarray(block).tobytes())

    attributes(file)
    names: list[str] = []
    file.visit(names.append)
    for name in sorted(names):
        visit(name, file[name])
    return digest.hexdigest()


def blocks(dataset: h5py.Dataset) -> Iterator[tuple[int, np.ndarray]]:
    """A dataset in pieces of some 32 MiB: first row and rows."""
    if dataset.ndim == 0:
        yield 0, np.asarray(dataset[()])[None]
        return
    item = 64 if dataset.dtype == object else dataset.dtype.itemsize
    row_bytes = max(1, item * int(np.prod(dataset.shape[1:], dtype=np.int64)))
    rows = max(1, _BLOCK_BYTES // row_bytes)
    for start in range(0, len(dataset), rows):
        yield start, dataset[start : start + rows]


def stored_dtype(dataset: h5py.Dataset) -> str:
    return "str" if h5py.check_string_dtype(dataset.dtype) is not None else str(dataset.dtype.name)


def _attribute_problems(file: h5py.File, schema: Schema) -> list[str]:
    found = []
    for attribute in (*COMMON_ATTRIBUTES, *schema.attributes):
        if attribute.name not in file.attrs:
            if attribute.required:
                found.append(f"attribute {attribute.name} is missing; it must hold: {attribute.meaning}")
        elif not _is_kind(file.attrs[attribute.name], attribute):
            found.append(
                f"attribute {attribute.name} is {file.attrs[attribute.name]!r:.60}; it must be {attribute.kind}: {attribute.meaning}"
            )
    if not found:
        try:
            derived = provenance.to_attributes(provenance.from_text(file.attrs["sources"]))
        except ContentInvalid as error:
            return [str(error)]
        for name in ("licences", "attribution"):
            stored = file.attrs[name] if name == "attribution" else list(file.attrs[name])
            if stored != derived[name]:
                found.append(f"attribute {name} is {stored!r:.60}; it must follow from the sources; write the file with DatasetWriter")
    return found


def _is_kind(value: object, attribute: Attribute) -> bool:
    array = np.asarray(value)
    if attribute.kind == "str":
        return isinstance(value, str)
    if attribute.kind == "strs":
        return array.ndim == 1 and all(isinstance(part, str) for part in array)
    if attribute.kind in ("int", "ints"):
        return array.dtype.kind in "iu" and array.ndim == (attribute.kind == "ints")
    return array.dtype.kind in "iuf" and array.ndim == 0


def _stray_problems(file: h5py.File, schema: Schema) -> list[str]:
    """Groups nobody knows; datasets may be extra ones, if they describe themselves."""
    known = {path for table in schema.tables for path in _parents(table)}
    names: list[str] = []
    file.visit(names.append)
    found = []
    for name in names:
        if isinstance(file[name], h5py.Group) and name not in known:
            found.append(f"group {name} is none of {schema.name}; it has {', '.join(map(repr, schema.tables))}")
        elif isinstance(file[name], h5py.Dataset) and name.rpartition("/")[0] not in schema.tables:
            found.append(f"dataset {name} lies in no table of {schema.name}; it has {', '.join(map(repr, schema.tables))}")
    return found


def _parents(table: str) -> list[str]:
    parts = table.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _table_problems(file: h5py.File, schema: Schema, table: Table, report: Report) -> list[str]:
    group = file.get(table.path or "/")
    if not isinstance(group, h5py.Group):
        return [f"table {table.path} is missing; {schema.name} must have it"] if table.required else []
    known = {field.name: field for field in table.fields}
    found = [
        f"{table.where(name)} is missing; it must hold: {one.meaning}" for name, one in known.items() if one.required and name not in group
    ]
    letters = {letter: len(file.attrs[name]) for letter, name in schema.sizes.items() if name in file.attrs}
    lengths: dict[str, int] = {}
    for name in [name for name in group if isinstance(group[name], h5py.Dataset)]:
        dataset, where = group[name], table.where(name)
        one = known.get(name) or described(dataset, name)
        if one is None:
            found.append(f"{where} is no dataset of {schema.name} and does not describe itself; it must carry unit, meaning and shape")
            continue
        problems = one.check_kind(stored_dtype(dataset), dataset.shape, letters, where)
        found += problems + _description_problems(dataset, one, where)
        if problems:
            continue
        lengths[where] = len(dataset)
        found += _value_problems(file, group, dataset, one, where)
    if len(set(lengths.values())) > 1:
        found.append(f"the datasets of a table must have one length, here {lengths}")
    report.rows[table.path] = next(iter(lengths.values()), 0)
    if not found and "split" in group:
        codes = group["split"][:]
        report.splits[table.path] = {name: int((codes == code).sum()) for name, code in SPLITS.items()}
    return found


def described(dataset: h5py.Dataset, name: str) -> Field | None:
    """The field of a dataset that is not registered, from its own attributes."""
    try:
        sides = [side.strip() for side in dataset.attrs["shape"].strip("()").split(",") if side.strip()][1:]
        shape = tuple(int(side) if side.isdigit() else side for side in sides)
        low, high = dataset.attrs.get("low"), dataset.attrs.get("high")
        return Field(
            name, stored_dtype(dataset), shape, dataset.attrs["unit"], dataset.attrs["meaning"], low, high, label="label" in dataset.attrs
        )
    except (KeyError, ValueError, AttributeError):
        return None


def _description_problems(dataset: h5py.Dataset, one: Field, where: str) -> list[str]:
    found = [f"{where} lacks the attribute {name}" for name in ("meaning", "shape", "unit") if not isinstance(dataset.attrs.get(name), str)]
    if one.conventions:
        convention = dataset.attrs.get("convention")
        if convention not in one.conventions:
            found.append(f"{where}: attribute convention is {convention!r}; it must be one of {', '.join(one.conventions)}")
        elif any(other in SCALED for other in one.conventions):
            for name in ("mean", "scale"):
                value = np.asarray(dataset.attrs.get(name, []))
                if (
                    value.shape != (2,)
                    or value.dtype.kind != "f"
                    or not np.isfinite(value).all()
                    or (name == "scale" and not (value > 0).all())
                ):
                    found.append(
                        f"{where}: attribute {name} is {value.tolist()}; it must hold two finite numbers, in pixels; see standardise"
                    )
    return found


def _table_length(file: h5py.File, table: str) -> int | None:
    """Rows of a table, as its first dataset has them; None where there is no such table."""
    held = [item for item in file.get(table, {}).values() if isinstance(item, h5py.Dataset)]
    return len(held[0]) if held else None


def _value_problems(file: h5py.File, group: h5py.Group, dataset: h5py.Dataset, one: Field, where: str) -> list[str]:
    if one.dtype in ("str", "bool"):
        if one.dtype == "str":
            for _ in blocks(dataset):
                pass
        return []
    limit = None
    if one.index_of:
        kind, _, name = one.index_of.partition(":")
        if kind == "rows":
            limit = len(dataset)
        elif kind == "table":
            limit = _table_length(file, name)
        else:
            limit = len(file.attrs[name]) if name in file.attrs else None
            if limit is None:
                return [f"{where} counts the attribute {name}, which is missing"]
    for start, block in blocks(dataset):
        found = one.check_values(block, where, start)
        if limit is not None and not found and block.size and int(block.max()) >= limit:
            found = [f"{where} holds the index {int(block.max())}; it must be below {limit}, the length of {one.index_of}"]
        if found:
            return found
    return []
