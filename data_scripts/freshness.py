"""Whether a file still is what building it again would give: a key of everything that decides its content, kept beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from data_scripts.builder import Builder, BuildError

_ROOT = Path(__file__).resolve().parent
_SOURCES = {".py", ".txt"}
# files that take part in every build.
_SHARED = ("data_scripts/builder.py", "data_scripts/production.py", "vislab/data/layout")


@dataclass(frozen=True)
class Record:
    """What is known of a built file, kept beside it as NAME.json.

    ``key`` is the digest of what decides the content, ``sha256`` and ``size_bytes`` are the file's own.
    """

    key: str
    sha256: str
    size_bytes: int
    count: int
    seed: int
    packages: dict[str, str]

    def write(self, path: Path) -> None:
        """Write it, sorted and with a line end."""
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_record(path: Path) -> Record | None:
    """Return the record at ``path``, or None where there is none that can be read."""
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def package_versions(builder: Builder) -> dict[str, str]:
    """Return the installed version of each package that decides the content; "" for one that is missing."""
    versions = {}
    for name in sorted({*builder.packages, "h5py", "numpy"}):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def build_key(builder: Builder, count: int, seed: int, root: Path = _ROOT.parent) -> str:
    """Return the digest of everything that decides a file: the builder's sources, its arguments, and the versions of what it uses.

    Args:
        builder: the set.
        count: how many examples.
        seed: the seed.
        root: folder that holds ``data_scripts`` and ``vislab``.
    """
    digest = hashlib.sha256(json.dumps([builder.name, count, seed, package_versions(builder)]).encode())
    for place in (*builder.sources, *_SHARED):
        for path in _files(root / place):
            digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(place: Path) -> list[Path]:
    if not place.exists():
        raise BuildError(f"sources names {place}, which must exist; correct the builder")
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.suffix in _SOURCES and path.is_file())


def file_sha256(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_fresh(path: Path, record: Record | None, key: str) -> bool:
    """Return whether the file at ``path`` was built under ``key`` and has not changed since."""
    return record is not None and path.is_file() and record.key == key and file_sha256(path) == record.sha256
