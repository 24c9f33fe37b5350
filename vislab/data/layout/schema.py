"""How a set's file is put together: tables of fields, and file attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vislab.data.layout.field import Field

SCHEMA_VERSION = 1
SPLITS = {"train": 0, "val": 1, "test": 2}


@dataclass(frozen=True)
class Attribute:
    """One file attribute besides those that every file has.

    Args:
        name: its name.
        kind: ``"str"``, ``"int"``, ``"float"``, ``"strs"`` or ``"ints"``.
        meaning: one line.
        required: whether every file of the set has it.
    """

    name: str
    kind: str
    meaning: str
    required: bool = True


@dataclass(frozen=True)
class Table:
    """Datasets with a row for the same examples.

    Args:
        path: HDF5 group that holds them; ``""`` is the file itself.
        fields: its datasets, in the order in which they are written.
        required: whether every file of the set has it.
    """

    path: str
    fields: tuple[Field, ...]
    required: bool = True

    def where(self, name: str) -> str:
        """The full name of one of its datasets."""
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True)
class Schema:
    """Say what a file of one set holds.

    Args:
        name: the set's name, the file attribute ``set``.
        title: one line for people.
        tables: path to table.
        attributes: what the file says besides what every file says.
        sizes: letter to the attribute whose length it is.
        rules: names of the checks in ``vislab.data.layout.rules`` that hold across datasets.
    """

    name: str
    title: str
    tables: Mapping[str, Table]
    attributes: tuple[Attribute, ...] = ()
    sizes: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


# every file has these; the writer derives them, except generator and seed.
COMMON_ATTRIBUTES = (
    Attribute("schema", "int", "version of the layout"),
    Attribute("set", "str", "name of the set"),
    Attribute("title", "str", "one line for people"),
    Attribute("generator", "str", "what wrote the file: module and version"),
    Attribute("seed", "int", "seed it was drawn with", required=False),
    Attribute("sources", "str", "JSON list: name, version, licence, attribution, used_for"),
    Attribute("licences", "strs", "every licence that the file's content is under"),
    Attribute("attribution", "str", "whom to name, a line each"),
    Attribute("licence_note", "str", "what else is known about the licences", required=False),
    Attribute("content", "str", "SHA-256 over everything else a reader can see"),
)
