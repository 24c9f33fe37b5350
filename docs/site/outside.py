"""Pages of the site that lie outside docs/, and links that lead out of it.

``CONTRIBUTING.md`` and the instructors' page of each assignment become pages. A link is read as on the repository's own pages, from where
its page lies there, and leads to the same page of the site. Of a link to a file that is no page the words remain; a link to nothing is a
warning.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
LOG = logging.getLogger("mkdocs.hooks.outside")
# a fence, a code span, or [words](target), whose words may hold a picture.
_LINK = re.compile(
    r"(?P<code>^ *(?P<fence>```+|~~~+).*?^ *(?P=fence) *$|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<bang>!?)\[(?P<words>(?:[^\[\]]|\[[^\]]*\](?:\([^)]*\))?)*)\]\((?P<target>[^()\s]+)\)",
    re.DOTALL | re.MULTILINE,
)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#|/", re.IGNORECASE)


def outside_pages(root: Path) -> dict[str, str]:
    """Return the pages outside docs/: the name in the site to the path in the repository."""
    found = {"contributing.md": "CONTRIBUTING.md"}
    for page in sorted(root.glob("assignments/*/README.md")):
        found[f"assignments/{page.parent.name}.md"] = page.relative_to(root).as_posix()
    return found


def expanded(nav: list[Any], names: list[str]) -> list[Any]:
    """Replace ``folder/*`` by the folder's pages that nav does not name, the index first."""
    named = set(_strings(nav))
    out: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            out.append({title: expanded(inner, names) if isinstance(inner, list) else inner for title, inner in entry.items()})
        elif entry.endswith("/*"):
            below = [name for name in names if posixpath.dirname(name) == entry[:-2] and name not in named]
            out += sorted(below, key=lambda name: (posixpath.basename(name) not in ("README.md", "index.md"), name.removesuffix(".md")))
        else:
            out.append(entry)
    return out


def _strings(nav: list[Any]) -> list[str]:
    found = []
    for entry in nav:
        for inner in entry.values() if isinstance(entry, dict) else [entry]:
            found += _strings(inner) if isinstance(inner, list) else [inner]
    return found


def resolved(markdown: str, page: str, pages: dict[str, str], root: Path) -> tuple[str, list[str]]:
    """Rewrite a page's links.

    Args:
        markdown: the page's text.
        page: its name in the site.
        pages: every page and picture of the site to its path in the repository.
        root: the repository.

    Returns:
        The text, and the targets that exist nowhere.
    """
    here = posixpath.dirname(pages[page])
    names = {path: name for name, path in pages.items()}
    lost: list[str] = []

    def rewrite(match: re.Match[str]) -> str:
        if match["code"] is not None or _ELSEWHERE.match(match["target"]):
            return match[0]
        path, mark, anchor = match["target"].partition("#")
        target = posixpath.normpath(posixpath.join(here, path))
        name = names.get(target) or names.get(f"{target}/README.md") or names.get(f"{target}/index.md")
        if name is not None:
            link = posixpath.relpath(name, posixpath.dirname(page) or ".")
            return f"{match['bang']}[{match['words']}]({link}{mark}{anchor})"
        if not (root / target).exists():
            lost.append(match["target"])
        return match["words"]

    return _LINK.sub(rewrite, markdown), lost


def on_files(files: Files, config: Any) -> Files:
    """Add the pages, and complete the table of contents."""
    for name, path in outside_pages(ROOT).items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    config.nav = expanded(config.nav, [file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Rewrite the page's links."""
    docs = Path(config.docs_dir).relative_to(ROOT).as_posix()
    moved = outside_pages(ROOT)
    pages = {file.src_uri: moved.get(file.src_uri, f"{docs}/{file.src_uri}") for file in files}
    text, lost = resolved(markdown, page.file.src_uri, pages, ROOT)
    for target in lost:
        LOG.warning("%s links to %r, which does not exist in the repository", os.path.relpath(page.file.abs_src_path or "", ROOT), target)
    return text
