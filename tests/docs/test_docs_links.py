"""Links between the repository's own pages, as they are read there: to files and headings that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
READER = MarkdownIt("commonmark").enable("table")


def _inner(text: str) -> list[Token]:
    return [inner for token in READER.parse(text) for inner in (token, *(token.children or []))]


def anchors(text: str) -> set[str]:
    """Return the places of a page by their headings, as repositories name them."""
    tokens = READER.parse(text)
    titles = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def lost(root: Path, page: str) -> list[str]:
    """Return the targets of a page's links and pictures that do not exist."""
    found = []
    for token in _inner((root / page).read_text(encoding="utf-8")):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        if not target or re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (root / page).parent / path if path else root / page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8"))):
            found.append(target)
    return found


def test_every_link_of_every_page_leads_somewhere() -> None:
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files", "*.md"], capture_output=True, text=True, check=True, timeout=600)
    pages = [path for path in done.stdout.splitlines() if not path.startswith(("changelog.d/", "tests/"))]
    assert {"README.md", "docs/instructor.md", "release/a1_pose/README.md"} <= set(pages)
    assert {page: lost(ROOT, page) for page in pages if lost(ROOT, page)} == {}


def test_a_link_to_nothing_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One *and* two\n\n[1](#one-and-two) [2](#three) [3](b.md) ![4](p.png) `[5](c.md)` <https://e.edu>\n")
    assert lost(tmp_path, "a.md") == ["#three", "b.md", "p.png"]
