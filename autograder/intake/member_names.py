"""Names of archive entries made safe: no way out of the folder, no two that one file system takes for the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_BYTES_MAX = 200
_DEPTH_MAX = 16
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_DRIVE = re.compile(r"^[A-Za-z]:(?=[\\/])")


def safe_parts(name: str) -> list[str] | None:
    """Return the path of an archive entry as safe parts; None where it leads out of the folder or names nothing.

    Backslashes separate folders, a leading slash or drive letter is cut off, control characters and signs that some file system forbids
    become ``_``, and a part that is too long is cut in front of its ending.
    """
    parts = [part for part in re.split(r"[\\/]+", _DRIVE.sub("", name)) if part not in ("", ".")]
    # ". ." and ".. " mean the parent folder to some file systems.
    if not parts or len(parts) > _DEPTH_MAX or any(part.replace(" ", "").strip() == ".." for part in parts):
        return None
    return [_safe(part) for part in parts]


class NameTable:
    """Hands out paths that differ even where case and Unicode form do not count."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._numbers: dict[str, int] = {}

    def free(self, parts: Sequence[str]) -> str:
        """Return the path for an entry, with a number behind the name where it is taken: ``1_pose (2).ipynb``.

        A folder's name that a file has already is numbered likewise.
        """
        path = ""
        for part in parts[:-1]:
            path = self._numbered(path, part, is_file=False)
            self._folders.add(_key(path))
        path = self._numbered(path, parts[-1], is_file=True)
        self._files.add(_key(path))
        return path

    def _numbered(self, parent: str, part: str, is_file: bool) -> str:
        prefix = parent + "/" if parent else ""
        first = candidate = prefix + part
        stem, dot, ending = part.rpartition(".")
        while _key(candidate) in self._files or (is_file and _key(candidate) in self._folders):
            # remembered, so that a thousand entries of one name do not take a million steps.
            number = self._numbers[_key(first)] = self._numbers.get(_key(first), 1) + 1
            candidate = prefix + (f"{stem} ({number}).{ending}" if dot and stem else f"{part} ({number})")
        return candidate


def _safe(part: str) -> str:
    text = unicodedata.normalize("NFC", part.encode("utf-8", "replace").decode())
    # some file systems drop blanks and dots at the end, which would make two names one.
    text = _FORBIDDEN.sub("_", text).rstrip(". ") or "_"
    if len(text.encode()) <= _BYTES_MAX:
        return text
    stem, dot, ending = text.rpartition(".")
    tail = f".{ending}" if dot and stem and len(ending) <= 16 else ""
    head = (stem if tail else text).encode()[: _BYTES_MAX - len(tail.encode())]
    return head.decode("utf-8", "ignore") + tail


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
