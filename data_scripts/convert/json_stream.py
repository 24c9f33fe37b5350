"""Reads the arrays of a large JSON object element by element; no more than one element is held."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

from data_scripts.convert.faults import SourceInvalid

_READ_CHARS = 1 << 18
# no annotation is longer; without a limit a missing quote would pull the whole file into memory.
ELEMENT_CHARS_MAX = 1 << 24
_SPACE = " \t\n\r"
_AFTER_VALUE = tuple(",]}" + _SPACE)
_NUMBER_TAIL_CHARS = 64


def elements(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, int, Any]]:
    """Read the named arrays of the object that a file holds, in the order in which they stand there.

    Args:
        path: a JSON file, UTF-8.
        wanted: names of arrays at the top; every one must be there.

    Yields:
        Name of the array, number of the element, the element.

    Raises:
        SourceInvalid: no JSON object, broken off, an array missing or not an array.
    """
    with path.open(encoding="utf-8") as stream:
        text = _Text(path, stream)
        text.expect("{", "must begin with { and hold a JSON object")
        seen: list[str] = []
        if not text.take("}"):
            while True:
                key = text.value()
                if not isinstance(key, str):
                    raise text.broken("a name in quotes must stand here")
                seen.append(key)
                text.expect(":", "a colon must follow the name")
                yield from _member(text, key, key in wanted)
                if text.take("}"):
                    break
                text.expect(",", "a comma or } must follow")
    missing = [name for name in wanted if name not in seen]
    if missing:
        raise SourceInvalid(
            f"{path} lacks the array {missing[0]!r}; it has {', '.join(seen) or 'nothing'}; pass the annotation file as it was published"
        )


def top_level(path: Path) -> str:
    """Return the first character that is no space: ``{`` or ``[`` for JSON, something else for other files, "" for an empty one."""
    with path.open("rb") as stream:
        return stream.read(4096).lstrip()[:1].decode("latin-1")


def items(path: Path) -> Iterator[tuple[int, Any]]:
    """Read the elements of the array that a file holds.

    Raises:
        SourceInvalid: no JSON array, or broken off.
    """
    with path.open(encoding="utf-8") as stream:
        text = _Text(path, stream)
        yield from _array(text)


def _member(text: _Text, key: str, wanted: bool) -> Iterator[tuple[str, int, Any]]:
    if text.peek() == "[":
        for number, element in _array(text):
            if wanted:
                yield key, number, element
        return
    if wanted:
        raise text.broken(f"{key!r} must be an array")
    text.value()


def _array(text: _Text) -> Iterator[tuple[int, Any]]:
    text.expect("[", "must be an array, which begins with [")
    if text.take("]"):
        return
    number = 0
    while True:
        yield number, text.value()
        number += 1
        if text.take("]"):
            return
        text.expect(",", "a comma or ] must follow")


class _Text:
    """The part of a file that is looked at."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        self._path, self._stream = path, stream
        self._text, self._at, self._before, self._ended = "", 0, 0, False
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(_READ_CHARS):
                return ""

    def take(self, character: str) -> bool:
        """Step over a character if it is the next one."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def expect(self, character: str, rule: str) -> None:
        """Step over a character that must come next."""
        if not self.take(character):
            raise self.broken(rule)

    def value(self) -> Any:
        """The next value, whatever it is."""
        self.peek()
        size = _READ_CHARS
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._at)
                # a number may go on where what was read ends: of 1.5 the first two characters are a number and a point.
                if self._ended or end + _NUMBER_TAIL_CHARS < len(self._text) or self._text[end : end + 1] in _AFTER_VALUE:
                    self._at = end
                    return found
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self.broken(error.msg) from None
                if len(self._text) - self._at > ELEMENT_CHARS_MAX:
                    raise self.broken(f"no value of up to {ELEMENT_CHARS_MAX >> 20} million characters ends here") from None
            except RecursionError:
                raise self.broken("values lie inside each other too deeply") from None
            self._more(size)
            size *= 2

    def broken(self, rule: str) -> SourceInvalid:
        """What is wrong at this place."""
        place = self._before + self._at
        if self._at >= len(self._text) and not self._more(_READ_CHARS):
            return SourceInvalid(f"{self._path} breaks off after character {place}: {rule}; the file is truncated; copy it again")
        near = self._text[self._at : self._at + 20]
        told = f"{self._path} is no JSON at character {place} ({near!r}): {rule}"
        return SourceInvalid(f"{told}; the file is truncated; copy it again" if self._ended else f"{told}; copy it again")

    def _more(self, size: int) -> bool:
        try:
            read = self._stream.read(size)
        except UnicodeDecodeError as error:
            raise SourceInvalid(
                f"{self._path} is no text: {error.reason} after character {self._before + len(self._text)}; it must be JSON in UTF-8"
            ) from None
        self._ended = not read
        self._before += self._at
        self._text, self._at = self._text[self._at :] + read, 0
        return bool(read)
