"""Bytes to cells: reads whatever claims to be a notebook and keeps only what a later step needs, as plain strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from autograder.intake.limits import DEFAULT_NOTEBOOK, NotebookLimits, Unreadable
from autograder.intake.note import Note, printable
from autograder.intake.tolerant_json import parse_object

CellType = Literal["code", "markdown", "raw"]

# nbformat 1 to 4 in one table: the words for a cell's type and the keys that hold its text.
_TYPES: Mapping[str, CellType] = {
    "code": "code",
    "markdown": "markdown",
    "raw": "raw",
    "heading": "markdown",
    "html": "markdown",
    "text": "markdown",
    "plaintext": "raw",
}
_SOURCE_KEYS = ("source", "input", "code", "text")
_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*+")
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass
class Cell:
    """One submitted cell.

    Args:
        cell_type: as declared; an unknown type is guessed.
        source: text with ``\\n`` line ends, encodable as UTF-8, without NUL.
        cell_id: nbformat 4.5's id, or the one that Colab keeps in the metadata.
        nbgrader: nbgrader's metadata as submitted, simple values only.
        attachments: pasted pictures: file name to media type to base64 text.
    """

    cell_type: CellType
    source: str
    cell_id: str | None = None
    nbgrader: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def grade_id(self) -> str | None:
        grade_id = self.nbgrader.get("grade_id")
        return grade_id if isinstance(grade_id, str) and grade_id else None


@dataclass
class Document:
    """A submitted notebook: its cells, the language it says it is written in (lower case), and what was odd about the file."""

    cells: list[Cell]
    language: str | None = None
    notes: list[Note] = field(default_factory=list)


def read_document(raw: bytes, limits: NotebookLimits = DEFAULT_NOTEBOOK) -> Document:
    """Read a submitted notebook of any nbformat.

    Outputs, execution counts and foreign metadata are dropped. Damage that leaves cells readable is noted, not refused.

    Raises:
        Unreadable: nothing can be read, or more than ``limits`` allow.
    """
    if len(raw) > limits.file_bytes:
        raise Unreadable(f"the file has more than {limits.file_bytes:,} bytes; clear the notebook's outputs and hand it in again")
    table, notes = parse_object(raw, limits)
    if not isinstance(table, dict):
        raise Unreadable(f"the file is JSON but no notebook: it holds {_kind(table)} where a notebook is an object with a list of cells")
    cells = _cell_list(table)
    if cells is None:
        raise Unreadable("the file is JSON but no notebook: it has no list of cells")
    if len(cells) > limits.cells:
        raise Unreadable(f"the notebook has {len(cells):,} cells; at most {limits.cells:,} are read")
    notes.extend(_format_notes(table))
    return Document(_cells(cells, limits, notes), _language(table), notes)


def _cell_list(table: Mapping[str, Any]) -> list[Any] | None:
    if isinstance(table.get("cells"), list):
        return table["cells"]
    sheets = table.get("worksheets")
    if not isinstance(sheets, list):
        return None
    return [cell for sheet in sheets if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list) for cell in sheet["cells"]]


def _cells(entries: list[Any], limits: NotebookLimits, notes: list[Note]) -> list[Cell]:
    cells: list[Cell] = []
    source_bytes = attachment_bytes = bad = 0
    for entry in entries:
        if not isinstance(entry, dict):
            bad += 1
            continue
        source, whole = _source(entry)
        bad += not whole
        source_bytes += len(source.encode())
        if source_bytes > limits.source_bytes:
            raise Unreadable(f"the cells hold more than {limits.source_bytes:,} bytes of text; move long data into a file of its own")
        attachments = _attachments(entry.get("attachments"))
        attachment_bytes += sum(len(data) for bundle in attachments.values() for data in bundle.values())
        if attachment_bytes > limits.attachment_bytes:
            attachments = {}
        metadata = entry.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        cells.append(Cell(_cell_type(entry), source, _cell_id(entry, metadata), _nbgrader(metadata), attachments))
    if bad:
        notes.append(Note("cells_damaged", f"The file holds damaged cells ({bad}); what could be read of them was kept."))
    if attachment_bytes > limits.attachment_bytes:
        text = f"The pasted pictures exceed {limits.attachment_bytes:,} bytes; the later ones were left out."
        notes.append(Note("attachments_dropped", text))
    return cells


def _source(entry: Mapping[str, Any]) -> tuple[str, bool]:
    value = next((entry[key] for key in _SOURCE_KEYS if key in entry), None)
    if isinstance(value, str):
        text, whole = value, True
    elif isinstance(value, list):
        text = "".join(part for part in value if isinstance(part, str))
        whole = all(isinstance(part, str) for part in value)
    else:
        text, whole = "", False
    if entry.get("cell_type") == "heading" and text:
        level = entry.get("level")
        text = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1) + " " + text
    return clean_text(text), whole


def clean_text(text: str) -> str:
    """Return text with ``\\n`` line ends that every later step can encode: no lone surrogates, no NUL."""
    # the Python compiler reads \r\n and \r as line ends too, so this changes no meaning.
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode() if not text.isascii() and _has_surrogates(text) else text


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _cell_type(entry: Mapping[str, Any]) -> CellType:
    declared = entry.get("cell_type")
    if isinstance(declared, str) and declared in _TYPES:
        return _TYPES[declared]
    return "code" if "outputs" in entry or "execution_count" in entry else "markdown"


def _cell_id(entry: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    for value in (entry.get("id"), metadata.get("id")):
        if isinstance(value, str) and _CELL_ID.fullmatch(value):
            return value
    return None


def _nbgrader(metadata: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    table = metadata.get("nbgrader")
    if not isinstance(table, dict):
        return {}
    return {key: value for key, value in table.items() if isinstance(value, (str, int, float, bool))}


def _attachments(value: Any) -> dict[str, dict[str, str]]:
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in value.items() if isinstance(value, dict) else ():
        pictures = bundle.items() if isinstance(bundle, dict) else ()
        # other media types are dropped: an attached SVG or HTML page would reach whoever reads the feedback.
        good = {kind: data for kind, data in pictures if kind in _PICTURES and isinstance(data, str) and _BASE64.fullmatch(data)}
        if good:
            kept[clean_text(name)] = good
    return kept


def _language(table: Mapping[str, Any]) -> str | None:
    metadata = table.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    # the kernel's own name is no language: people call their environments what they like.
    for key, field_name in (("language_info", "name"), ("kernelspec", "language")):
        section = metadata.get(key)
        value = section.get(field_name) if isinstance(section, dict) else None
        if isinstance(value, str) and value:
            return printable(value, 40).lower()
    return None


def _format_notes(table: Mapping[str, Any]) -> list[Note]:
    major = table.get("nbformat")
    if major == 4:
        return []
    if isinstance(major, int) and not isinstance(major, bool) and major > 0:
        if major < 4:
            return [Note("format_old", f"The notebook is stored in the old format {major}; it was converted.")]
        return [Note("format_new", f"The notebook is stored in a format from the future ({major}); what is known of it was read.")]
    return [Note("format_missing", "The file does not say which notebook format it is stored in; it was read as format 4.")]


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}.get(type(value), "nothing")
