"""What one dataset of a file holds: dtype, shape, unit, range; and whether an array does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vislab.data.layout.faults import ContentInvalid

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "str")


@dataclass(frozen=True)
class Field:
    """One dataset, a row per example.

    Args:
        name: the dataset's name inside its table.
        dtype: one of ``DTYPES``; ``"str"`` is UTF-8 text of any length.
        shape: shape of one row; a letter stands for a size that all fields of the table share.
        unit: unit of the numbers, ``"1"`` where there is none.
        meaning: one line.
        low, high: inclusive range of the numbers; None where there is no bound.
        required: whether every file of the set has it.
        conventions: names from ``vislab.data.layout.conventions`` that it may be stored in; empty for what is no coordinate.
        index_of: what the numbers count: ``"attribute:NAME"`` (a list), ``"table:PATH"`` or ``"rows"`` (rows of its own table).
        none: the number that means "nothing" for an index.
        label: whether loaders leave the numbers as they are (class numbers, indices, tokens).
    """

    name: str
    dtype: str
    shape: tuple[str | int, ...]
    unit: str
    meaning: str
    low: float | None = None
    high: float | None = None
    required: bool = True
    conventions: tuple[str, ...] = ()
    index_of: str = ""
    none: int | None = None
    label: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"field {self.name}: dtype {self.dtype!r} must be one of {', '.join(DTYPES)}")
        if not self.unit or not self.meaning:
            raise ValueError(f"field {self.name}: unit and meaning must be given; write '1' for numbers without a unit")

    @property
    def row_bytes_min(self) -> int:
        """Bytes of a row with every letter at 1."""
        item = 16 if self.dtype == "str" else np.dtype(self.dtype).itemsize
        return item * int(np.prod([side for side in self.shape if isinstance(side, int)], dtype=np.int64))

    def check_kind(self, dtype: object, shape: tuple[int, ...], letters: dict[str, int], where: str) -> list[str]:
        """Compare a dtype (a numpy name or ``"str"``) and a whole shape with the field; binds letters that are still free."""
        found = []
        if dtype != self.dtype:
            found.append(f"{where} has dtype {dtype}; it must be {self.dtype}; convert it before it is written")
        if len(shape) != 1 + len(self.shape):
            return [*found, f"{where} has shape {shape}; it must be {self.spell()}"]
        for side, size in zip(self.shape, shape[1:]):
            wanted = side if isinstance(side, int) else letters.setdefault(side, size)
            if size != wanted:
                named = "" if isinstance(side, int) else f" ({side} is {wanted} here)"
                found.append(f"{where} has shape {shape}; it must be {self.spell()}{named}")
                break
        return found

    def check_values(self, values: np.ndarray, where: str, first_row: int = 0) -> list[str]:
        """Compare numbers with the field's range; every number must be finite."""
        if self.dtype in ("str", "bool") or values.size == 0:
            return []
        wrong = ~np.isfinite(values)
        rule = "finite"
        if not wrong.any() and (self.low is not None or self.high is not None):
            low = -np.inf if self.low is None else self.low
            high = np.inf if self.high is None else self.high
            wrong = (values < low) | (values > high)
            rule = f"in [{low:g}, {high:g}] {self.unit}"
        if not wrong.any():
            return []
        at = np.argwhere(wrong)[0]
        place = ", ".join(str(int(i) + (first_row if axis == 0 else 0)) for axis, i in enumerate(at))
        return [f"{where}[{place}] is {values[tuple(at)]!s}; it must be {rule}; {int(wrong.sum())} numbers break this"]

    def spell(self) -> str:
        """The whole shape with its letters, as in ``(n, 3, H, W)``."""
        return "(" + ", ".join(["n", *map(str, self.shape)]) + ("," if not self.shape else "") + ")"


def column(field: Field, values: object, where: str) -> np.ndarray:
    """Make an array of what a builder hands over, without changing a dtype.

    Raises:
        ContentInvalid: text that is no text, or numbers that are no array.
    """
    if field.dtype == "str":
        array = np.asarray(values, dtype=object)
        for text in array.reshape(-1):
            if not isinstance(text, str):
                raise ContentInvalid(f"{where} holds {type(text).__name__}; it must hold str alone; decode bytes first")
            if "\0" in text:
                raise ContentInvalid(f"{where} holds {text!r}; text must be free of NUL characters, which HDF5 cannot keep; remove them")
        return array
    array = np.asarray(values)
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def dtype_name(array: np.ndarray) -> str:
    """The layout's name of an array's dtype."""
    return "str" if array.dtype == object else array.dtype.name
