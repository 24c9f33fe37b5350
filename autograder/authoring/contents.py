"""All text that a file holds, wherever in it: zip members, notebook cells, HDF5 strings, the comments of a picture."""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

DEPTH_MAX = 8
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# what stands between the texts of a binary file.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]+")
_BASE64 = re.compile(r"(?:data:[\w/+.-]+;base64,)?([A-Za-z0-9+/\s]{64,}={0,2})\s*")
_DATA_ADDRESS = re.compile(r"data:[\w/+.-]+;base64,([A-Za-z0-9+/]{64,}={0,2})")


def texts_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yield ``(where, text)`` for every piece of text in a file, or in all files of a folder, in sorted order."""
    if path.is_dir():
        for inner in sorted(path.rglob("*")):
            if inner.is_file():
                yield from texts_of(inner.read_bytes(), f"{path.name}/{inner.relative_to(path).as_posix()}")
    else:
        yield from texts_of(path.read_bytes(), path.name)


def texts_of(data: bytes, where: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield ``(where, text)`` for every piece of text in ``data``; the kind of file is told by its first bytes, not by its name.

    Raises:
        ValueError: containers nested deeper than ``DEPTH_MAX``, which no release holds.
    """
    if depth > DEPTH_MAX:
        raise ValueError(f"{where} holds files in files deeper than {DEPTH_MAX}; unpack it")
    yield where, where
    if data.startswith(b"PK\x03\x04"):
        yield from _zip(data, where, depth)
    elif data.startswith(b"\x1f\x8b"):
        yield from texts_of(gzip.decompress(data), f"{where} (unpacked)", depth + 1)
    elif data.startswith(b"\x89HDF\r\n\x1a\n"):
        yield from _hdf5(data, where)
    else:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            yield from _png(data, where)
        text = data.decode("utf-8", errors="replace")
        yield from _plain(text, where)
        if text.lstrip()[:1] in ("{", "["):
            try:
                parsed = json.loads(text)
            except (ValueError, RecursionError):
                return
            yield from _json(parsed, where, depth)


def _plain(text: str, where: str) -> Iterator[tuple[str, str]]:
    yield where, _UNPRINTABLE.sub("\n", text)


def _zip(data: bytes, where: str, depth: int) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield where, archive.comment.decode("utf-8", errors="replace")
        for entry in archive.infolist():
            yield where, entry.comment.decode("utf-8", errors="replace")
            if not entry.is_dir():
                yield from texts_of(archive.read(entry), f"{where}/{entry.filename}", depth + 1)


def _png(data: bytes, where: str) -> Iterator[tuple[str, str]]:
    position = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + length]
        # the chunks whose text is compressed; the others show in the plain bytes.
        if kind in (b"zTXt", b"iTXt"):
            for start in (match.start() for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", body)):
                try:
                    yield f"{where} ({kind.decode()})", zlib.decompressobj().decompress(body[start:]).decode("utf-8", errors="replace")
                except zlib.error:
                    continue
        position += 12 + length


def _hdf5(data: bytes, where: str) -> Iterator[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def attributes(name: str, node: h5py.Group | h5py.Dataset) -> None:
        for key, value in node.attrs.items():
            found.extend((f"{where}/{name}@{key}", text) for text in [key, *_values(value)])

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        found.append((f"{where}/{name}", name))
        attributes(name, node)
        if isinstance(node, h5py.Dataset):
            found.extend((f"{where}/{name}", text) for text in _values(node[()]))

    with h5py.File(io.BytesIO(data), "r") as file:
        attributes("", file)
        file.visititems(visit)
    yield from found
    # what no object of the file refers to any more still lies between them.
    yield from _plain(data.decode("utf-8", errors="replace"), where)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, h5py.Empty):
        return
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        for item in array.reshape(-1).tolist():
            yield item.decode("utf-8", errors="replace") if isinstance(item, bytes) else str(item)
    elif array.dtype.names:
        for name in array.dtype.names:
            yield from _values(array[name])
    elif array.dtype.itemsize == 1:
        # text kept as bytes, as in a compressed data set.
        yield _UNPRINTABLE.sub("\n", array.tobytes().decode("utf-8", errors="replace"))


def _json(value: Any, where: str, depth: int) -> Iterator[tuple[str, str]]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
            stack.extend(item.keys())
        elif isinstance(item, list):
            # notebooks keep a text as a list of its lines.
            stack.extend(["".join(item)] if item and all(isinstance(part, str) for part in item) else item)
        elif isinstance(item, str) and item:
            yield from _string(item, where, depth)


def _string(text: str, where: str, depth: int) -> Iterator[tuple[str, str]]:
    shown = _ANSI.sub("", text)
    yield where, shown
    if "&" in shown or "<" in shown:
        yield where, html.unescape(re.sub(r"<[^<>]*>", "", shown))
    whole = _BASE64.fullmatch(text)
    for encoded in [whole[1]] if whole else _DATA_ADDRESS.findall(text):
        try:
            inner = base64.b64decode(encoded)
        except binascii.Error:
            continue
        yield from texts_of(inner, f"{where} (embedded)", depth + 1)
