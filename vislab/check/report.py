"""The table that a check shows at home: plain text for terminals, HTML for notebooks."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from vislab.check.table import CROSS, GREEN, RED, TICK, html_table
from vislab.check.verdict import Verdict


@dataclass(frozen=True)
class Row:
    """One public case as checked at home."""

    case: str
    family: str
    verdict: Verdict
    text: str = ""


@dataclass
class Report:
    """Result of one check at home; displays itself in a notebook and prints as text elsewhere.

    Args:
        exercise: its name.
        rows: one per public case, in order.
        hidden: families that hidden cases test as well.
    """

    exercise: str
    rows: list[Row] = field(default_factory=list)
    hidden: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        return sum(row.verdict is Verdict.OK for row in self.rows)

    @property
    def ok(self) -> bool:
        return bool(self.rows) and self.passed == len(self.rows)

    @property
    def not_attempted(self) -> bool:
        return bool(self.rows) and all(row.verdict is Verdict.NOT_ATTEMPTED for row in self.rows)

    @property
    def summary(self) -> str:
        hidden = f"; hidden checks also test {_listed(self.hidden)}" if self.hidden else ""
        return f"{self.exercise}: {self.passed} of {len(self.rows)} visible checks passed{hidden}."

    def __repr__(self) -> str:
        width = max((len(row.case) for row in self.rows), default=0)
        lines = [self.summary]
        for row in self.rows:
            mark = "ok  " if row.verdict is Verdict.OK else "FAIL"
            fault = "" if row.verdict is Verdict.OK else f"  {row.verdict}: {row.text}"
            lines.append(f"  {mark}  {row.case:<{width}}  {row.family}{fault}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = []
        for row in self.rows:
            good = row.verdict is Verdict.OK
            fault = "" if good else f"<b>{html.escape(str(row.verdict))}</b> {html.escape(row.text)}"
            look = (GREEN, TICK) if good else (RED, CROSS)
            rows.append((*look, (html.escape(row.case), html.escape(row.family), fault)))
        return html_table(GREEN if self.ok else RED, self.summary, rows)


def _listed(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
