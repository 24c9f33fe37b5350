"""Formulas become MathML while the site is built: the browser sets them itself, with no script and no font to load."""

from __future__ import annotations

import html
import logging
import re
from typing import Any

from latex2mathml.converter import convert

LOG = logging.getLogger("mkdocs.hooks.formulas")
_FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)
# what the converter passes through as it stands behind \big and its sisters, which take a single character.
_FENCES = {r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉", r"\langle": "⟨", r"\rangle": "⟩"}
_BIG = re.compile(r"(\\[bB]igg?[lr]?)\s*(" + "|".join(map(re.escape, _FENCES)) + r")(?![A-Za-z])")
_TEXT = re.compile(r"\\text\{[^{}]*\}")


def mathml(latex: str, block: bool) -> str:
    """Return a formula as MathML.

    Args:
        latex: without its dollar signs.
        block: on a line of its own.

    Raises:
        ValueError: the converter does not know a command, and would print it as it stands.
    """
    plain = _BIG.sub(lambda match: match[1] + _FENCES[match[2]], latex)
    plain = _TEXT.sub(lambda match: match[0].replace(r"\_", "_"), plain)
    made = convert(plain, display="block" if block else "inline")
    if left := re.search(r"\\[A-Za-z_]*", made):
        raise ValueError(f"the formula {latex!r} holds {left[0]!r}, which cannot be set; write it in other words")
    return made


def on_page_content(content: str, page: Any, config: Any, files: Any) -> str:
    """Set the page's formulas; one that cannot be set is a warning."""

    def place(match: re.Match[str]) -> str:
        try:
            return mathml(html.unescape(match["latex"]), match["tag"] == "div")
        except Exception as error:  # the converter has a dozen exceptions of its own
            LOG.warning("%s: %s", page.file.src_uri, error or repr(error))
            return match[0]

    return _FORMULA.sub(place, content)
