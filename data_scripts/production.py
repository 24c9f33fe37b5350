"""Makes a set's file, unless the one that lies there is the same already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from data_scripts.builder import Builder, BuildError, Progress, Stored
from data_scripts.freshness import Record, build_key, file_sha256, is_fresh, package_versions, read_record
from vislab.data.layout.opening import opened
from vislab.data.layout.writer import DatasetWriter

SEED_LIMIT = 2**31


@dataclass(frozen=True)
class Made:
    """A file that is now there: where, what is known of it, and whether it was built just now."""

    path: Path
    record: Record
    built: bool


def set_path(folder: Path, name: str) -> Path:
    """Return where a set's file lies."""
    return folder / f"{name}.h5"


def record_path(folder: Path, name: str) -> Path:
    """Return where the record of a set's file lies."""
    return folder / f"{name}.json"


def write(builder: Builder, path: Path, count: int, seed: int, progress: Progress) -> None:
    """Build a set into ``path``, whole or not at all.

    Raises:
        BuildError: count or seed out of range.
        vislab.data.layout.faults.ContentInvalid: the builder's content breaks the layout.
    """
    if count < 1:
        raise BuildError(f"count {count} must be 1 or more; leave it out for the default of {builder.count}")
    if not 0 <= seed < SEED_LIMIT:
        raise BuildError(f"seed {seed} must be in [0, {SEED_LIMIT}); leave it out for the default of {builder.seed}")
    content = builder.build(count, seed, progress)
    step = progress("writing", len(content.tables))
    with DatasetWriter(
        path,
        builder.set_name,
        sources=content.sources,
        # no version: the record beside the file has the digest of the code.
        generator=f"python -m data_scripts {builder.name} --count {count} --seed {seed}",
        seed=seed,
        attributes=content.attributes,
        conventions=content.conventions,
        extra=content.extra,
    ) as writer:
        for table, columns in content.tables.items():
            writer.append(table, **columns)
            step(table)
        for name, values in content.dataset_attributes.items():
            writer.set_dataset_attribute(name, **values)


def make(builder: Builder, folder: Path, count: int, seed: int, progress: Progress, force: bool = False) -> Made:
    """Build a set's file into a folder if it is missing, has changed, or would come out differently now.

    Args:
        builder: the set.
        folder: made where it is missing.
        count: how many examples.
        seed: the seed.
        progress: shows stages.
        force: build in any case.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, beside = set_path(folder, builder.name), record_path(folder, builder.name)
    key, known = build_key(builder, count, seed), read_record(beside)
    if known is not None and is_fresh(path, known, key) and not force:
        return Made(path, known, built=False)
    # without its record an interrupted build is never taken for a fresh file.
    beside.unlink(missing_ok=True)
    write(builder, path, count, seed, progress)
    record = Record(key, file_sha256(path), path.stat().st_size, count, seed, package_versions(builder))
    record.write(beside)
    return Made(path, record, built=True)


def read(path: Path) -> Stored:
    """Return everything a file holds; text as str.

    Raises:
        FileNotFoundError, vislab.data.layout.faults.DataFileError: the file is missing, foreign, damaged or newer.
    """
    arrays: dict[str, np.ndarray] = {}
    attributes: dict[str, dict[str, Any]] = {}

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            text = h5py.check_string_dtype(item.dtype) is not None
            arrays[name] = item.asstr()[:] if text else item[:]
            attributes[name] = dict(item.attrs)

    with opened(path) as file:
        attributes[""] = dict(file.attrs)
        file.visititems(visit)
    return Stored(arrays, attributes)
