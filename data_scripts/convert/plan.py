"""What a conversion is going to write: rows counted beforehand, batches made one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vislab.data.layout.provenance import Source

# a table's path and its columns, a row an example.
Batch = tuple[str, Mapping[str, Any]]
BATCH_ROWS = 64


@dataclass
class Tally:
    """What was left out or changed, each as a line and how often."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, line: str, times: int = 1) -> None:
        """Count a line; zero times leaves no line."""
        if times:
            self.counts[line] = self.counts.get(line, 0) + times


@dataclass(frozen=True)
class Plan:
    """One conversion.

    Args:
        set_name: a name of ``vislab.data.layout.registry.SCHEMAS``.
        rows: how many rows each table and split will have, as ``(table, split) -> rows``; pictures that turn out unreadable go off.
        image: shape of one picture, (channels, height, width).
        sources: where the content comes from.
        generator: the command without paths.
        batches: called once, gives batches of some ``BATCH_ROWS`` rows; what it holds in between does not grow with the pictures.
        attributes: file attributes.
        dataset_attributes: attributes of single datasets.
        tally: what is left out or changed; grows while batches are made.
    """

    set_name: str
    rows: Mapping[tuple[str, str], int]
    image: tuple[int, int, int]
    sources: Sequence[Source]
    generator: str
    batches: Callable[[], Iterator[Batch]]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dataset_attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def total(self) -> int:
        """Rows with a picture, over all tables."""
        return sum(self.rows.values())

    @property
    def image_bytes(self) -> int:
        """Bytes of all pictures before they are packed."""
        channels, height, width = self.image
        return self.total * channels * height * width
