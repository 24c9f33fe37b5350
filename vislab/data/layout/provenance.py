"""Where a file's content comes from, under which licence, and whom to name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from vislab.data.layout.faults import ContentInvalid


@dataclass(frozen=True)
class Source:
    """One thing that went into a file.

    Args:
        name: a package, a picture, a data set, or this project itself.
        version: exact version, or a date.
        licence: SPDX name, or a sentence where there is none.
        attribution: whom to name, as the licence asks; "" where it asks for nothing.
        used_for: what of it is in the file.
    """

    name: str
    version: str
    licence: str
    attribution: str
    used_for: str

    def __post_init__(self) -> None:
        for part in ("name", "version", "licence", "used_for"):
            if not getattr(self, part).strip():
                raise ValueError(f"source {self.name!r}: {part} must be given; a file without provenance cannot be handed out")


def to_attributes(sources: Iterable[Source]) -> dict[str, object]:
    """The file attributes ``sources`` (JSON), ``licences`` and ``attribution``, in a fixed order."""
    ordered = sorted(set(sources), key=lambda source: (source.name, source.version, source.used_for))
    if not ordered:
        raise ContentInvalid("sources is empty; it must name at least one Source; a file made by this project alone names the project")
    return {
        "sources": json.dumps([asdict(source) for source in ordered], ensure_ascii=False),
        "licences": sorted({source.licence for source in ordered}),
        "attribution": "\n".join(dict.fromkeys(source.attribution for source in ordered if source.attribution)),
    }


def from_text(text: str) -> list[Source]:
    """Read the file attribute ``sources``.

    Raises:
        ContentInvalid: it is no JSON list of sources.
    """
    try:
        return [Source(**entry) for entry in json.loads(text)]
    except (ValueError, TypeError, AttributeError) as error:
        raise ContentInvalid(
            f"attribute sources is {text[:60]!r}; it must be a JSON list of sources ({error}); build the file again"
        ) from error
