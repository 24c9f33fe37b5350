"""The files that docs/first_exercise.md shows, taken from the page itself."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "first_exercise.md").read_text(encoding="utf-8")


def files(page: str = PAGE) -> dict[str, str]:
    """Return the files that a page shows: the path above each block to the block."""
    return dict(re.findall(r"^`(assignments/\S+)`:\n\n```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


def write_files(root: Path, page: str = PAGE) -> None:
    """Write them into a folder, where their paths say."""
    for name, text in files(page).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
