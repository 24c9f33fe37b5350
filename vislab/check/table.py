"""How what checks say looks in a notebook: a coloured edge, a sentence, and a row a line."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

GREEN, RED, GREY = "#1a7f37", "#b42318", "#57606a"
TICK, CROSS, CIRCLE = "&#10003;", "&#10007;", "&#9675;"
_CELL = 'style="text-align:left;padding:2px 12px 2px 0"'


def html_table(colour: str, sentence: str, rows: Iterable[tuple[str, str, Sequence[str]]]) -> str:
    """Lay out a table.

    Args:
        colour: of the edge.
        sentence: plain text above the rows.
        rows: colour and mark (HTML) of each, and its further cells (HTML: whoever makes them escapes what they hold).
    """
    body = "".join(
        f'<tr><td {_CELL}><span style="color:{tint};font-weight:bold">{mark}</span></td>'
        + "".join(f"<td {_CELL}>{cell}</td>" for cell in cells)
        + "</tr>"
        for tint, mark, cells in rows
    )
    return (
        f'<div style="border-left:4px solid {colour};padding:4px 12px">'
        f"<p style='margin:0 0 4px 0'>{html.escape(sentence)}</p>"
        f"<table style='border-collapse:collapse'>{body}</table></div>"
    )
