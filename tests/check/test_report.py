"""The table of a check: as text and as HTML, escaped, the same in every run."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from vislab.check.report import Report, Row
from vislab.check.verdict import Verdict

GOOD = Row("one peak", "value", Verdict.OK)
BAD = Row("two maxima", "stability", Verdict.WRONG_VALUE, "max error 3.2 (allowed 0.0001); your answer is all zeros")
STUB = Row("gradient", "gradient", Verdict.NOT_ATTEMPTED, "not written yet")


def test_text_of_a_mixed_report() -> None:
    assert repr(Report("pose.soft_argmax", [GOOD, BAD], ("value", "edge"))) == (
        "pose.soft_argmax: 1 of 2 visible checks passed; hidden checks also test value and edge.\n"
        "  ok    one peak    value\n"
        "  FAIL  two maxima  stability  WRONG_VALUE: max error 3.2 (allowed 0.0001); your answer is all zeros"
    )


@pytest.mark.parametrize(
    ("hidden", "end"),
    [
        ((), "passed."),
        (("value",), "passed; hidden checks also test value."),
        (("value", "edge", "dtype"), "passed; hidden checks also test value, edge and dtype."),
    ],
)
def test_hidden_families_are_listed(hidden: tuple[str, ...], end: str) -> None:
    assert Report("a.b", [GOOD], hidden).summary.endswith(end)


@pytest.mark.parametrize(
    ("rows", "ok", "stub"),
    [
        ([GOOD, GOOD], True, False),
        ([GOOD, BAD], False, False),
        ([STUB, STUB], False, True),
        ([GOOD, STUB], False, False),
        # no check passed is no success.
        ([], False, False),
    ],
)
def test_when_a_report_is_good(rows: list[Row], ok: bool, stub: bool) -> None:
    report = Report("a.b", rows)
    assert (report.ok, report.not_attempted) == (ok, stub)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def parsed(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


EVIL = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def test_html_holds_what_the_text_holds_and_only_its_own_tags() -> None:
    report = Report(EVIL, [Row(EVIL, EVIL, Verdict.WRONG_VALUE, EVIL), GOOD], (EVIL,))
    page = parsed(report._repr_html_())
    assert set(page.tags) == {"div", "p", "table", "tr", "td", "span", "b"} and page.attributes == {"style"}
    assert page.text.count(EVIL) == 5
    assert page.tags.count("tr") == 2


def test_the_parser_would_see_an_unescaped_name() -> None:
    assert {"script", "img"} <= set(parsed(f"<td>{EVIL}</td>").tags)


def test_colour_tells_success() -> None:
    green, red = "#1a7f37", "#b42318"
    assert green in Report("a", [GOOD])._repr_html_() and red not in Report("a", [GOOD])._repr_html_()
    mixed = Report("a", [GOOD, BAD])._repr_html_()
    assert mixed.startswith(f'<div style="border-left:4px solid {red}')
