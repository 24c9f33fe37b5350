"""Notes: what intake found and did, as sentences for the feedback and as codes for machines."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """One thing that intake found or did.

    Args:
        code: stable word for machines, such as ``check_restored``.
        text: one or two sentences for the student.
        cell: exercise, question or grade id it is about; None for the whole file.
    """

    code: str
    text: str
    cell: str | None = None


def printable(name: str, limit: int = 120) -> str:
    """Return a file or folder name as it may stand in a sentence: no control characters, no undecodable bytes, not too long."""
    # surrogates stand for bytes that are no UTF-8; Cf holds the marks that reverse the direction of text.
    clean = "".join("\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in name)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
