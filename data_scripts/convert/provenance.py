"""Where a converted file comes from: the source's name, the digest of what was read, and a licence that is the source's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_scripts.freshness import file_sha256
from vislab.data.layout.provenance import Source

UNSTATED = "the source's own, not stated when it was converted"


@dataclass(frozen=True)
class Terms:
    """What whoever converts says of the source.

    Args:
        licence: SPDX name or a sentence; "" where nobody said.
        attribution: whom to name; "" for nobody.
    """

    licence: str = ""
    attribution: str = ""


def sources(title: str, inputs: Iterable[Path], terms: Terms) -> list[Source]:
    """Return a source for each file that was read, by name and digest, never by path.

    Args:
        title: the data set's name.
        inputs: its files; pictures in folders are not among them.
        terms: licence and attribution.
    """
    return [
        Source(
            title,
            f"{path.name}, sha256 {file_sha256(path)[:16]}",
            terms.licence.strip() or UNSTATED,
            terms.attribution.strip(),
            "everything; the licence is that of the source",
        )
        for path in inputs
    ]


def command(name: str, **options: object) -> str:
    """Return the command that makes the file, without paths: files of equal content are equal wherever they were made."""
    given = {f"--{key.replace('_', '-')}": value for key, value in options.items() if value is not None and value is not False}
    words = [word if value is True else f"{word} {value}" for word, value in given.items()]
    return " ".join([f"python -m data_scripts convert {name}", *words])
