"""The kind of thing a drawing shows, guessed from the words of its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from data_scripts.builder import BuildError

OTHER = "other"
_TABLE = Path(__file__).with_name("categories.txt")


class CategoryError(BuildError):
    """The table of words contradicts itself."""


def category_words(path: Path = _TABLE) -> dict[str, str]:
    """Return the category of each word in the table.

    Raises:
        CategoryError: a line has no colon, or a word stands in two categories.
    """
    table: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        category, colon, words = line.partition(":")
        if not colon:
            raise CategoryError(f"{path.name} line {number} {line[:30]!r} must read CATEGORY: words; put a colon after the category")
        for word in words.split():
            if table.setdefault(word, category) != category:
                raise CategoryError(f"{path.name} line {number}: {word!r} stands under {table[word]} already; keep it in one category")
    return table


def category(name: str, table: Mapping[str, str]) -> str:
    """Return the category of a drawing by the first word of its name that the table knows.

    Example:
        >>> category("cat-in-box", {"cat": "animals", "box": "papers"})
        'animals'
    """
    return next((table[word] for word in name.split("-") if word in table), OTHER)
