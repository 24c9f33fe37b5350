"""Student text made safe to show: a notebook arrives from a stranger and is opened by a grader who is logged in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import bleach
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_output

TAGS = frozenset(
    "a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp span"
    " strong sub summary sup table tbody td tfoot th thead tr u ul".split()
)
PROTOCOLS = frozenset({"http", "https", "mailto", "data"})
PICTURE_TYPES = ("image/png", "image/jpeg")
_PASTED = frozenset({*PICTURE_TYPES, "image/gif", "image/webp"})

TEXT_CHARACTERS_MAX = 50_000
# the renderer takes a minute for a page of unclosed tags; ten times what the longest honest answer needs.
MARKDOWN_CHARACTERS_MAX = 20_000
PICTURE_BYTES_MAX = 4 << 20
OUTPUTS_MAX = 100

_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
# the classes that pygments and the markdown renderer write; any other could dress up as ours.
_CLASS = re.compile(r"(?:highlight|language-[\w+-]+|[a-z][a-z0-9]{0,2})")
# a file beside the notebook: an address of the server itself could do something when it is loaded, such as log the grader out.
_LOCAL = re.compile(r"(?!.*\.\.)\w[\w ./%+-]*")
_NO_ADDRESS = re.compile(r'<img(?![^>]* src=)(?:[^>]*? alt="([^"]*)")?[^>]*>')
# a badge: all that a link shows is a picture from elsewhere.
_BADGE = re.compile(r'(<a [^>]*>)<img(?![^>]* src=)[^>]*? alt="([^"]+)"[^>]*>(</a>)')
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
# escape sequences that move the cursor or hide text; colours stay, nbconvert turns them into spans.
_ESCAPE = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-9;:?]*[ -/]*[@-ln-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]|\x1b(?!\[[0-9;]*m)")


def one_line(markup: str) -> str:
    """Return HTML as a single line, so that a markdown renderer passes it through as one block and reads nothing in it again."""
    return markup.replace("\r", "&#13;").replace("\n", "&#10;")


def safe_markdown(source: str, attachments: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Render a student's markdown to HTML that runs nothing and loads nothing from elsewhere.

    Tags, attributes and addresses are those of a fixed list; others are shown as text. Pictures are shown where they are part of the
    notebook or lie beside it; a picture's address on another host would tell that host who reads the page and when.

    Args:
        source: markdown; beyond ``MARKDOWN_CHARACTERS_MAX`` it is shown as it was typed.
        attachments: pasted pictures, as in the cell.

    Returns:
        One ``<div>`` on one line.
    """
    if len(source) > MARKDOWN_CHARACTERS_MAX:
        return one_line(f"<div><pre>{html.escape(source)}</pre></div>")
    try:
        renderer = IPythonRenderer(escape=False, attachments=_pictures(attachments or {}), exclude_anchor_links=True)
        rendered = MarkdownWithMath(renderer=renderer).render(source)
        clean = bleach.clean(rendered, tags=TAGS, attributes=_allowed, protocols=PROTOCOLS)
    except Exception:  # a text that the renderer cannot take is still a text: an answer must never be lost to its grader
        clean = f"<pre>{html.escape(source)}</pre>"
    shown = _NO_ADDRESS.sub(_left_out, _BADGE.sub(r"\1\2\3", clean))
    return one_line(f"<div>{shown}</div>")


def safe_text(text: str) -> str:
    """Return text without control characters and without escape sequences other than colours, cut to a readable length."""
    clean = "\n".join(map(_left_standing, text.replace("\r\n", "\n").split("\n")))
    clean = _CONTROL.sub("\ufffd", _ESCAPE.sub("", clean))
    if len(clean) <= TEXT_CHARACTERS_MAX:
        return clean
    # both ends: an error usually stands in the last lines.
    half = TEXT_CHARACTERS_MAX // 2
    return f"{clean[:half]}\n… {len(clean) - 2 * half:,} characters left out …\n{clean[-half:]}"


def _left_standing(line: str) -> str:
    # a progress bar writes over its own line; only what was left standing is text. Searched for from the end: an expression would try
    # again from every character of a long line, and a line of twenty megabytes would take days.
    return line[line.rfind("\r", 0, len(line) - 1) + 1 :] if "\r" in line else line


def safe_outputs(outputs: Iterable[Mapping[str, Any]]) -> list[NotebookNode]:
    """Return outputs of student code as text and raster pictures; HTML, SVG, scripts, widgets and output metadata are dropped.

    An error, a value and the first text on stderr are kept however many outputs there are: nbgrader's own scoring looks for them.
    """
    kept: list[NotebookNode] = []
    dropped = 0
    has_stderr = False
    for output in outputs:
        made = _safe_output(output)
        if made is None:
            continue
        is_stderr = made.output_type == "stream" and made.name == "stderr"
        decisive = made.output_type in ("error", "execute_result") or (is_stderr and not has_stderr)
        has_stderr = has_stderr or is_stderr
        if len(kept) >= OUTPUTS_MAX and not decisive:
            dropped += 1
            continue
        kept.append(made)
    if dropped:
        kept.append(new_output("stream", name="stdout", text=f"… {dropped:,} further outputs left out …\n"))
    return kept


def _safe_output(output: Mapping[str, Any]) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=safe_text(_joined(output.get("text"))))
    if kind == "error":
        lines = output.get("traceback")
        traceback = safe_text("\n".join(map(str, lines)) if isinstance(lines, Sequence) else "").split("\n")
        name, value = (safe_text(str(output.get(key, ""))) for key in ("ename", "evalue"))
        return new_output("error", ename=name, evalue=value, traceback=traceback)
    if kind not in ("display_data", "execute_result"):
        return None
    data = output.get("data")
    bundle: dict[str, str] = {}
    if isinstance(data, Mapping):
        if "text/plain" in data:
            bundle["text/plain"] = safe_text(_joined(data["text/plain"]))
        for media_type in PICTURE_TYPES:
            picture = _joined(data.get(media_type))
            if picture and len(picture) <= PICTURE_BYTES_MAX and _BASE64.fullmatch(picture):
                bundle[media_type] = picture
    if kind == "execute_result":
        count = output.get("execution_count")
        return new_output("execute_result", data=bundle, execution_count=count if isinstance(count, int) else None)
    return new_output("display_data", data=bundle) if bundle else None


def _joined(text: Any) -> str:
    # nbformat stores a text as one string or as a list of lines.
    if isinstance(text, str):
        return text
    return "".join(map(str, text)) if isinstance(text, Sequence) else ""


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return tag in ("div", "span", "pre", "code") and all(_CLASS.fullmatch(word) for word in value.split())
    if tag == "a":
        return name == "title" or (name == "href" and not value.strip().lower().startswith("data:"))
    if tag == "img" and name == "src":
        return bool(_PICTURE.fullmatch(value)) or bool(_LOCAL.fullmatch(value.strip()))
    if tag == "img":
        return name in ("alt", "title") or (name in ("width", "height") and value.isdecimal())
    if tag in ("td", "th"):
        return name in ("colspan", "rowspan") and value.isdecimal()
    return tag == "ol" and name == "start" and value.isdecimal()


class _Attachments(dict[str, dict[str, str]]):
    """Attachments by name; a name that is missing gives an empty picture, for which the renderer would otherwise give up."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, str]:
        return {"image/png": ""}


def _left_out(picture: re.Match[str]) -> str:
    # bleach has escaped the description already.
    return f"[picture: {picture[1] or 'left out'}]"


def _pictures(attachments: Mapping[str, Mapping[str, str]]) -> _Attachments:
    found = _Attachments()
    for name, bundle in attachments.items():
        if pictures := {kind: data for kind, data in bundle.items() if kind in _PASTED}:
            found[name] = pictures
    return found
