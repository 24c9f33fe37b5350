"""The house's docstring sections, in words that the site's docstring parser knows."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

# a section of ours that the parser has no name for becomes a paragraph that begins with its name.
_OWN = re.compile(
    r"^(Shapes|Returns|Yields|Convention|Randomness|Source|Class attributes):[ \t]*(?P<same>[^\n]*)(?P<below>(?:\n(?:[ \t]+[^\n]*)?)*)",
    re.MULTILINE,
)


def spoken(docstring: str) -> str:
    """Return a docstring with our own sections as paragraphs and its example under the parser's name."""

    def paragraph(match: re.Match[str]) -> str:
        lines = [match["same"].strip(), *[re.sub(r"^ {4}", "", line) for line in match["below"].split("\n")]]
        body = "\n".join(lines).strip()
        if match[1] == "Class attributes":
            body = "\n\n" + re.sub(r"^(\w+): ", r"* ``\1``: ", body, flags=re.MULTILINE)
        return f"**{match[1]}.** {body}\n\n"

    return re.sub(r"^Example:", "Examples:", _OWN.sub(paragraph, docstring), flags=re.MULTILINE)


class HouseSections(Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Rewrite the docstring of one object, as Griffe finds it."""
        if obj.docstring is not None:
            obj.docstring.value = spoken(obj.docstring.value)
