"""Which rows and which fields a loader takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vislab.data.dataset import Dataset, Rows
from vislab.data.info import FieldInfo
from vislab.data.splits import split_rows


def chosen_fields(dataset: Dataset, fields: Sequence[str] | None) -> dict[str, FieldInfo]:
    """The fields to load: those named, or all that are no text.

    Raises:
        DatasetMissing: a name that is not there.
        TypeError: text, which has no tensor.
        ValueError: no field at all, or ``row``, which the loader adds.
    """
    if fields is None:
        fields = [name for name, info in dataset.info.items() if info.dtype != "str"]
    if len(fields) == 0 or isinstance(fields, str):
        raise ValueError(f"fields is {fields!r}; it must be a list of at least one name of {', '.join(dataset.info)}")
    for name in fields:
        if dataset[name].info.dtype == "str":
            raise TypeError(
                f"{name} is text and has no tensor; load the others and look it up: dataset[{name!r}][batch['row'].cpu().numpy()]"
            )
    return {name: dataset.info[name] for name in fields}


def chosen_rows(dataset: Dataset, split: str | None, rows: Rows | None) -> np.ndarray:
    """The rows to load: of a split, as listed, or all; int64.

    Raises:
        ValueError: split and rows both, an unknown split, or a row twice.
        IndexError: a row that is not there.
    """
    if split is not None and rows is not None:
        raise ValueError("split and rows are both given; pass one of them; rows of a split come from vislab.data.splits.split_rows")
    if split is not None:
        return split_rows(dataset, split)
    everything = np.arange(len(dataset), dtype=np.int64)
    if rows is None:
        return everything
    if isinstance(rows, slice):
        return everything[rows]
    index = np.asarray(rows)
    if index.dtype == bool:
        index = np.flatnonzero(index)
    index = index.astype(np.int64)
    if index.size and (index.min() < 0 or index.max() >= len(dataset)):
        raise IndexError(f"rows must lie in [0, {len(dataset)}); got {int(index.min())} to {int(index.max())}")
    if len(np.unique(index)) != len(index):
        raise ValueError("rows holds a row twice; each may come once an epoch; pass numpy.unique(rows)")
    return index
