"""What the schemas of several sets share: the fields that say who belongs together, and how tables are listed."""

from __future__ import annotations

from dataclasses import replace

from vislab.data.layout.field import Field
from vislab.data.layout.schema import Table

PIXEL = ("pixel",)
SPLIT = Field("split", "uint8", (), "1", "0 train, 1 val, 2 test", 0, 2, label=True)
GROUP = Field("group", "int32", (), "1", "identity: rows of one group must never lie in two splits", 0, label=True)


def tables_by_path(*tables: Table) -> dict[str, Table]:
    """Return tables under their paths."""
    return {table.path: table for table in tables}


def optional(*fields: Field) -> tuple[Field, ...]:
    """Return the same fields, which a file may lack."""
    return tuple(replace(one, required=False) for one in fields)
