"""Zip archives from learning-management systems, unpacked so that nothing leaves the folder and nothing fills the disk."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder.intake.limits import CLASS_DOWNLOAD, ONE_SUBMISSION, ArchiveLimits
from autograder.intake.member_names import NameTable, safe_parts
from autograder.intake.note import printable

_CHUNK_BYTES = 1 << 16
_END_RECORD = struct.Struct("<4s4H2LH")
_END_RECORD_64 = struct.Struct("<4sQ2H2L4Q")
_LITTER = frozenset({"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db", "desktop.ini"})
# RuntimeError and NotImplementedError are what zipfile raises for passwords and for compression methods it does not know.
# (NotImplementedError is one of these).
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, struct.error, OverflowError, ValueError)
_REMEDY = "that looks like a bomb; unpack it by hand if you trust it"


# the first bytes of a file that stands for a refused one, so that its student's submission still gets a definite verdict.
REFUSED_MARK = b"vislab refused this file: "


class ArchiveError(Exception):
    """An archive that cannot be unpacked; nothing of it is left behind. The text says why and what to do."""


@dataclass(frozen=True)
class Refused:
    """An entry that was left out.

    Args:
        name: as the archive gives it, printable.
        reason: why, in a few words.
        path: where it would have been below the destination; nothing lies there. None where its path led out, or where it stays as a file.
    """

    name: str
    reason: str
    path: str | None = None


@dataclass
class Unpacked:
    """What came out of an archive.

    Args:
        files: paths below the destination, with ``/``, in the archive's order.
        refused: entries that were left out.
        size_bytes: everything that was unpacked, refused entries included.
        entries: number of entries, nested archives included.
    """

    files: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    size_bytes: int = 0
    entries: int = 0


def is_archive(name: str) -> bool:
    """Say whether a file's name is that of an archive that can be unpacked."""
    return name.lower().endswith(".zip")


def extract_archive(
    path: Path, destination: Path, limits: ArchiveLimits = CLASS_DOWNLOAD, inner: ArchiveLimits = ONE_SUBMISSION
) -> Unpacked:
    """Unpack a zip archive, and the archives in it, each into a folder of its own beside it.

    Links, devices, encrypted entries and paths that lead out are refused; doubled names and names that differ in case only get a number
    behind them. An archive inside that cannot be unpacked stays as it is, as a file, and is listed as refused.

    Args:
        path: the archive.
        destination: an empty folder, or one that does not exist yet.
        limits: of the archive as a whole.
        inner: of each archive in it; never more than what is left of ``limits``.

    Raises:
        ArchiveError: no zip archive, damaged, or beyond ``limits``.
        OSError: the archive cannot be read or the destination cannot be written.
    """
    if destination.exists() and any(destination.iterdir()):
        raise ArchiveError(f"{destination} is not empty; archives are unpacked into an empty folder")
    destination.mkdir(parents=True, exist_ok=True)
    job = _Extraction(printable(path.name), destination, limits, inner)
    try:
        job.run(path)
    except BaseException:
        # all or nothing: half a class is worse than a clear message.
        for entry in destination.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        raise
    return job.result


class _Extraction:
    def __init__(self, called: str, destination: Path, limits: ArchiveLimits, inner: ArchiveLimits) -> None:
        self.called, self.destination, self.limits, self.inner = called, destination, limits, inner
        self.result = Unpacked()
        self.names = NameTable()

    def run(self, path: Path) -> None:
        try:
            _check_directory(path, self.called, self.limits)
            archive = zipfile.ZipFile(path)
        except _BROKEN as error:
            raise ArchiveError(f"{self.called} is no zip archive, or is damaged ({_words(error)}); download it again") from error
        with archive:
            for member in archive.infolist():
                self._take(archive, member)

    def _take(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        self.result.entries += 1
        if self.result.entries > self.limits.members:
            raise ArchiveError(f"{self.called} has more than {self.limits.members:,} entries; {_REMEDY}")
        if member.is_dir():
            return
        parts = safe_parts(member.filename)
        if parts is None:
            self._refuse(member.filename, "its path leads out of the folder, or names nothing")
            return
        if any(part in _LITTER for part in parts) or parts[-1].startswith("._"):
            return
        name = self.names.free(parts)
        target = self.destination / name
        reason = _special(member) or self._write(archive, member, target)
        if reason is not None:
            target.unlink(missing_ok=True)
            self._refuse(member.filename, reason, name)
        elif not (is_archive(name) and self._unpack_inside(target, name)):
            self.result.files.append(name)

    def _write(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> str | None:
        """Unpack one entry; returns why it is refused, or None."""
        target.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        # O_EXCL and O_NOFOLLOW: never through anything that is already there.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            try:
                with archive.open(member) as source:
                    while chunk := source.read(_CHUNK_BYTES):
                        # the sizes that an archive declares are not believed: what is counted is what comes out.
                        written += len(chunk)
                        self.result.size_bytes += len(chunk)
                        if self.result.size_bytes > self.limits.total_bytes:
                            raise ArchiveError(f"{self.called} unpacks to more than {self.limits.total_bytes:,} bytes; {_REMEDY}")
                        if written > self.limits.member_bytes:
                            return f"it has more than {self.limits.member_bytes:,} bytes"
                        if written > self.limits.ratio_free_bytes and written > self.limits.ratio * max(member.compress_size, 1):
                            return f"it grows more than {self.limits.ratio:g} times when it is unpacked"
                        file.write(chunk)
            except _BROKEN as error:
                return f"it is damaged ({_words(error)})"
        return None

    def _unpack_inside(self, path: Path, name: str) -> bool:
        """Unpack an archive that came out of the archive; False where it stays as a file."""
        if self.limits.depth <= 0:
            self._refuse(name, "archives are nested too deeply")
            return False
        left = replace(
            self.inner,
            total_bytes=min(self.inner.total_bytes, self.limits.total_bytes - self.result.size_bytes),
            members=min(self.inner.members, self.limits.members - self.result.entries),
            depth=min(self.inner.depth, self.limits.depth - 1),
        )
        parent, _, base = name.rpartition("/")
        folder = self.names.free([*filter(None, parent.split("/")), base[: -len(".zip")] or base])
        try:
            inside = extract_archive(path, self.destination / folder, left, self.inner)
        except ArchiveError as error:
            shutil.rmtree(self.destination / folder)
            self._refuse(name, str(error))
            return False
        path.unlink()
        self.result.files += [f"{folder}/{each}" for each in inside.files]
        self.result.refused += [
            Refused(f"{printable(name)}/{each.name}", each.reason, f"{folder}/{each.path}" if each.path is not None else None)
            for each in inside.refused
        ]
        self.result.size_bytes += inside.size_bytes
        self.result.entries += inside.entries
        return True

    def _refuse(self, name: str, reason: str, path: str | None = None) -> None:
        self.result.refused.append(Refused(printable(name), reason, path))


def _special(member: zipfile.ZipInfo) -> str | None:
    if member.flag_bits & 0x1:
        return "it is encrypted"
    # the upper half holds the Unix mode where the archive was made on Unix, and 0 elsewhere.
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind in (0, stat.S_IFREG):
        return None
    return "it is a symbolic link" if kind == stat.S_IFLNK else "it is no regular file"


def _check_directory(path: Path, called: str, limits: ArchiveLimits) -> None:
    """Refuse a zip whose list of entries is huge, before Python reads that list into memory."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END_RECORD.size - 0xFFFF - 0x100))
        tail = file.read()
    where = tail.rfind(b"PK\x05\x06")
    if where < 0 or len(tail) - where < _END_RECORD.size:
        raise zipfile.BadZipFile("it has no list of entries")
    declared = _END_RECORD.unpack_from(tail, where)[5]
    sizes = [] if declared == 0xFFFFFFFF else [declared]
    # every place that could be the 64-bit record counts: which one Python takes differs between its versions.
    record = tail.find(b"PK\x06\x06")
    while 0 <= record <= len(tail) - _END_RECORD_64.size:
        sizes.append(_END_RECORD_64.unpack_from(tail, record)[8])
        record = tail.find(b"PK\x06\x06", record + 1)
    largest = max(sizes, default=declared)
    if largest > limits.directory_bytes:
        raise ArchiveError(f"{called} has a list of entries of {largest:,} bytes; {limits.directory_bytes:,} are allowed; {_REMEDY}")


def _words(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__)
