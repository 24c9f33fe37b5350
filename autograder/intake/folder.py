"""What a submission folder holds: regular files only, read without following anything out of the folder."""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from autograder.intake.limits import DEFAULT_FOLDER, FolderLimits
from autograder.intake.note import printable

# what systems and editors leave behind; not worth a word.
_LITTER_FOLDERS = frozenset({".ipynb_checkpoints", "__pycache__", "__MACOSX", ".git", ".vscode", ".idea"})
_LITTER_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


class Changed(OSError):
    """A file is no longer what it was a moment ago."""


@dataclass(frozen=True)
class Ignored:
    """A file or folder that was left out.

    Args:
        name: path below the submission folder, printable.
        reason: why, in a few words.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class FoundFile:
    """A regular file below the submission folder.

    Args:
        name: path below the folder, with ``/``.
        path: where it is.
        size_bytes: its size when it was found.
    """

    name: str
    path: Path
    size_bytes: int

    @property
    def depth(self) -> int:
        return self.name.count("/")

    @property
    def base(self) -> str:
        return self.name.rpartition("/")[2]

    def read(self, limit_bytes: int) -> bytes:
        """Read at most ``limit_bytes`` + 1 bytes, so that a file that is too long shows.

        Raises:
            Changed: the file was replaced by something else since it was found.
            OSError: it cannot be read.
        """
        # O_NONBLOCK: opening a FIFO that took the file's place must not hang.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Changed(f"{self.path} changed while it was read; run intake again")
            return file.read(limit_bytes + 1)


@dataclass
class Survey:
    """What a submission folder holds: files by name, and what was left out."""

    files: dict[str, FoundFile] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)


def survey(folder: Path, limits: FolderLimits = DEFAULT_FOLDER) -> Survey:
    """List the regular files below a folder.

    Symbolic links, FIFOs, sockets and devices are left out, and so is a file with a second name (hard link) outside the folder: its
    content may be somebody else's.

    Raises:
        OSError: the folder cannot be listed.
    """
    result = Survey()
    links: Counter[tuple[int, int]] = Counter()
    linked: dict[str, os.stat_result] = {}
    pending = [(folder, "", 0)]
    entries = 0
    while pending:
        current, prefix, depth = pending.pop(0)
        with os.scandir(current) as listing:
            # sorted: which entries fall beyond the limit must not depend on the disk.
            found = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        for entry in found:
            entries += 1
            if entries > limits.entries:
                result.ignored.append(
                    Ignored(printable(prefix) or ".", f"more than {limits.entries:,} entries; the rest was not looked at")
                )
                return _without_foreign_links(result, links, linked)
            name = prefix + entry.name
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                if entry.name in _LITTER_FOLDERS:
                    continue
                if depth < limits.depth:
                    pending.append((Path(entry.path), name + "/", depth + 1))
                else:
                    result.ignored.append(Ignored(printable(name), f"nested deeper than {limits.depth} folders"))
            elif not stat.S_ISREG(status.st_mode):
                result.ignored.append(Ignored(printable(name), _special(status.st_mode)))
            elif entry.name not in _LITTER_FILES and not entry.name.startswith("._"):
                result.files[name] = FoundFile(name, Path(entry.path), status.st_size)
                if status.st_nlink > 1:
                    links[status.st_dev, status.st_ino] += 1
                    linked[name] = status
    return _without_foreign_links(result, links, linked)


def _without_foreign_links(result: Survey, links: Counter[tuple[int, int]], linked: dict[str, os.stat_result]) -> Survey:
    for name, status in linked.items():
        if links[status.st_dev, status.st_ino] < status.st_nlink:
            del result.files[name]
            reason = "a hard link whose other name lies outside the submission; replace it by a copy"
            result.ignored.append(Ignored(printable(name), reason))
    return result


def _special(mode: int) -> str:
    words = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a device",
        stat.S_IFCHR: "a device",
    }
    return words.get(stat.S_IFMT(mode), "no regular file")
