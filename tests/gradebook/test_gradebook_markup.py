"""Student text on other people's screens."""

from __future__ import annotations

import html
import re

import pytest

from autograder.gradebook.markup import MARKDOWN_CHARACTERS_MAX, OUTPUTS_MAX, safe_markdown, safe_outputs, safe_text

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mtext></p><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href=' &#106;avascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](javascript:alert(1))",
    "<form action=//evil.example><button>x</button></form>",
    "<style>body{display:none}</style>",
    "<div style='position:fixed;inset:0'>x</div>",
    "<div class='vislab vislab-good'>100 of 100</div>",
    "<div id='check-pose-first'>x</div>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<img src='//evil.example/p.png'> ![x](https://evil.example/p.png) <img src='/logout'> <img src='../../bob/x.png'>",
    "`````\n<script>alert(1)</script>\n`````",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "text\n\n    <script>alert(1)</script>\n\n<b\n\nonmouseover=alert(1)>x</b>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_a_students_markdown_runs_or_loads(attack: str) -> None:
    shown = safe_markdown(attack)
    assert "\n" not in shown and shown.startswith("<div>") and shown.endswith("</div>")
    for tag in re.findall(r"<[^>]*>", shown):
        assert not re.match(r"</?(script|svg|math|iframe|form|button|style|meta|base|noscript|object|embed|input|link)\b", tag), tag
        assert not re.search(r"\s(on\w+|style|id|name|srcdoc|action|formaction)\s*=", tag), tag
        assert "vislab" not in tag
        for address in re.findall(r"(?:src|href)=\"([^\"]*)\"", tag):
            address = html.unescape(address).strip().lower()
            assert not address.startswith(("javascript:", "vbscript:", "data:text", "data:image/svg")), tag
            if tag.startswith("<img"):
                assert not address.startswith(("http", "/", "..")), tag


def test_honest_markdown_keeps_what_it_says() -> None:
    text = "# Why\n\nBecause $x^2$ and **this**, see [paper](https://example.org/a?b=1&c=2).\n\n"
    shown = safe_markdown(text + "| a | b |\n|---|---|\n| 1 | 2 |\n\n1. one")
    address = 'href="https://example.org/a?b=1&amp;c=2"'
    for part in ("<h1>Why</h1>", "$x^2$", "<strong>this</strong>", address, "<td>1</td>", "<li>one</li>"):
        assert part in shown, part


def test_pasted_pictures_are_shown_and_missing_ones_do_no_harm() -> None:
    shown = safe_markdown("![a](attachment:a.png) ![b](attachment:b.png) ![c](figures/c.png)", {"a.png": {"image/png": PIXEL}})
    assert f"data:image/png;base64,{PIXEL}" in shown
    assert "[picture: b]" in shown
    assert 'src="figures/c.png"' in shown
    svg = safe_markdown("![a](attachment:a.svg)", {"a.svg": {"image/svg+xml": "PHN2Zy8+"}})
    assert "svg+xml" not in svg and "[picture: a]" in svg


def test_a_badge_becomes_a_link_of_words() -> None:
    badge = "[![Open & run](https://example.org/badge.svg)](https://example.org/a1)"
    assert safe_markdown(f"{badge} · more") == '<div><p><a href="https://example.org/a1">Open &amp; run</a> · more</p>&#10;</div>'
    # a picture of one's own stays a picture, and one that is not alone in its link says what it is.
    assert 'src="figures/c.png"' in safe_markdown("[![c](figures/c.png)](https://example.org)")
    assert "see [picture: b]" in safe_markdown("[see ![b](https://example.org/b.png)](https://example.org)")


def test_a_text_that_the_renderer_cannot_take_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> str:
        raise RecursionError

    monkeypatch.setattr("autograder.gradebook.markup.bleach.clean", refuse)
    assert safe_markdown("a <b> & c") == "<div><pre>a &lt;b&gt; &amp; c</pre></div>"


def test_deep_nesting_is_still_a_text() -> None:
    assert "x" in safe_markdown("> " * 3000 + "x")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[32mPASS\x1b[0m", "\x1b[32mPASS\x1b[0m"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;title\x07x\x1b]8;;http://e\x1b\\y", "xy"),
        ("10 %\r50 %\r100 %\ndone\r\n", "100 %\ndone\n"),
        ("a\x00b\x08c\x1b", "a\ufffdb\ufffdc\ufffd"),
        ("abc\u202edef", "abc\ufffddef"),
    ],
)
def test_control_characters_do_not_reach_the_reader(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_a_long_text_is_cut_in_the_middle() -> None:
    shown = safe_text("a" * 60_000 + "b" * 60_000 + "END")
    assert len(shown) < 51_000 and shown.startswith("aaa") and shown.endswith("END") and "left out" in shown


def test_a_line_of_twenty_megabytes_is_read_from_its_end() -> None:
    # each of these took days when every character of the line was a place to begin.
    assert safe_text("x" * 20_000_000).endswith("xxx")
    assert safe_text("x" * 20_000_000 + "\r100 %") == "100 %"
    assert safe_text("10 %\r\r\rdone\r\n\rx\r") == "done\nx\r"


@pytest.mark.parametrize("word", ["\\begin{a}", "<div>", "***a", "|a", "[a](", "`a"])
def test_markdown_that_costs_the_renderer_hours_is_shown_as_typed(word: str) -> None:
    shown = safe_markdown(word * (MARKDOWN_CHARACTERS_MAX // len(word) * 50))
    assert shown.startswith(f"<div><pre>{html.escape(word)}") and "\n" not in shown
    assert "<strong>" in safe_markdown("**a**" + " a" * 9_000)


def test_outputs_are_text_and_pictures_alone() -> None:
    rich = {"text/html": "<script>", "image/svg+xml": "<svg/>", "application/javascript": "x", "text/markdown": "x", "text/latex": "x"}
    shown = safe_outputs(
        [
            {"output_type": "display_data", "data": rich, "metadata": {}},
            {"output_type": "display_data", "data": rich | {"text/plain": ["a", "b"]}, "metadata": {}},
            {"output_type": "display_data", "data": {"image/png": PIXEL}, "metadata": {"image/png": {"width": "1 onerror=alert(1)"}}},
            {"output_type": "display_data", "data": {"image/png": '"><script>'}, "metadata": {}},
            {"output_type": "execute_result", "data": rich, "metadata": {}, "execution_count": "7<b>"},
            {"output_type": "stream", "name": "stdin<b>", "text": "t"},
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["l1\nl2", "l3"]},
            {"output_type": "update_display_data", "data": {}},
        ]
    )
    kinds = [(output.output_type, dict(output.get("data", {})), dict(output.get("metadata", {}))) for output in shown]
    assert kinds == [
        ("display_data", {"text/plain": "ab"}, {}),
        ("display_data", {"image/png": PIXEL}, {}),
        ("execute_result", {}, {}),
        ("stream", {}, {}),
        ("error", {}, {}),
    ]
    assert shown[2].execution_count is None and shown[3].name == "stdout" and shown[4].traceback == ["l1", "l2", "l3"]


def test_a_flood_of_outputs_is_cut_and_what_decides_is_kept() -> None:
    flood = [{"output_type": "display_data", "data": {"text/plain": str(n)}, "metadata": {}} for n in range(5 * OUTPUTS_MAX)]
    error = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    shown = safe_outputs([*flood, error])
    assert len(shown) == OUTPUTS_MAX + 2 and shown[-2].output_type == "error" and "400 further outputs" in shown[-1].text
