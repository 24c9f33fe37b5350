"""What a set's builder is: everything that the command line needs to make, draw and verify one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vislab.data.layout.field import Field
from vislab.data.layout.provenance import Source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# called with a stage's name and its number of steps; returns what to call with a line after each step.
Progress = Callable[[str, int | None], Callable[[str], None]]


class BuildError(ValueError):
    """A set that cannot be built as asked."""


@dataclass(frozen=True)
class Finding:
    """One thing that ``verify`` looked at: the check's name, whether it holds, and what was seen."""

    check: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Content:
    """What goes into a file; see ``vislab.data.layout.writer.DatasetWriter`` for the words.

    Args:
        tables: rows by table path and dataset name, as the set's schema has them.
        sources: where the content comes from.
        attributes: file attributes.
        dataset_attributes: attributes of single datasets, by the dataset's full name.
        conventions: the convention of each coordinate dataset that may have several, by its full name.
        extra: fields beyond the schema's, by table path.
    """

    tables: Mapping[str, Mapping[str, Any]]
    sources: Sequence[Source]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dataset_attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    conventions: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Sequence[Field]] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """A finished file: ``arrays`` by full dataset name, ``attributes`` of the file under "", of a dataset under its full name."""

    arrays: Mapping[str, np.ndarray]
    attributes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Builder:
    """One set. A module of ``data_scripts.sets`` defines ``BUILDERS``, a tuple of these, and is found by being there.

    Args:
        name: of the set and its file: ``data/NAME.h5``.
        summary: one line for the command's help.
        count: how many examples by default; what is counted, ``counted`` says.
        counted: the unit of ``count``, for the help text.
        quick_count: few enough to build in a few seconds, for the check of determinism.
        sources: files and folders of this repository that decide what is built, relative to its root.
        packages: distributions whose versions decide what is built.
        build: makes the content from a count, a seed and a way to show progress. It draws from nothing but the seed.
        verify: looks at a finished file's values, beyond what the layout demands.
        picture: draws samples of a finished file onto a matplotlib figure.
        lesson: shows that the set teaches what it is for: trains on a finished file with a seed and returns named figures; None where
            there is none.
        seed: decides every draw where the command names no other.
        schema: the set of the layout that the file is, where it is not ``name``: for a further file of a set.
    """

    name: str
    summary: str
    count: int
    counted: str
    quick_count: int
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    build: Callable[[int, int, Progress], Content]
    verify: Callable[[Stored], list[Finding]]
    picture: Callable[[Stored], Figure]
    lesson: Callable[[Stored, int, Progress], dict[str, float]] | None = None
    seed: int = 0
    schema: str = ""

    @property
    def set_name(self) -> str:
        """The set that the file says it is."""
        return self.schema or self.name
