"""What of the file system a Python interpreter needs in order to run at its own path inside the walls."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.faults import SandboxMissing

# Bound into every sandbox as they are, so nothing below them has to be bound again.
SYSTEM_FOLDERS = tuple(Path(folder) for folder in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"))

COURSE_ROOT = Path(__file__).resolve().parents[2]
_LINKS_MAX = 40


@dataclass(frozen=True)
class Interpreter:
    """A Python and the folders it lives in.

    Args:
        executable: path under which it is started; the same path is used inside the walls.
        prefixes: folders bound read-only at their own paths, none of them below a system folder.
        links: (where it leads, where it is seen) for every symbolic link on the way from ``executable`` to the real
            file that neither a prefix nor a system folder contains.
    """

    executable: Path
    prefixes: tuple[Path, ...] = ()
    links: tuple[tuple[Path, Path], ...] = ()

    @classmethod
    def current(cls) -> Interpreter:
        """Describe the interpreter that is running now, with its virtual environment."""
        return cls.at(Path(sys.executable), (Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), Path(sys.base_exec_prefix)))

    @classmethod
    def at(cls, executable: Path, prefixes: Iterable[Path]) -> Interpreter:
        """Describe an interpreter by its executable and its prefixes (``sys.prefix``, ``sys.base_prefix``)."""
        wanted: dict[Path, None] = {}
        for prefix in prefixes:
            # Both spellings: pyvenv.cfg may name the base through a folder that is itself a symbolic link.
            for spelling in (Path(os.path.abspath(prefix)), Path(os.path.realpath(prefix))):
                if not _within(spelling, SYSTEM_FOLDERS):
                    wanted[spelling] = None
        kept = tuple(path for path in wanted if not _within(path, [other for other in wanted if other != path]))
        real = Path(os.path.realpath(executable))
        links = tuple((real, seen) for seen in _spellings(executable) if not _within(seen, (*kept, *SYSTEM_FOLDERS)))
        return cls(Path(os.path.abspath(executable)), kept, links)

    def refuse_exposure(self, hidden: Iterable[Path]) -> None:
        """Refuse when a folder that would be bound holds something a submission must not see.

        Raises:
            SandboxMissing: names the folder, what it holds and where to move it.
        """
        for secret in hidden:
            real = Path(os.path.realpath(secret))
            for folder in (*self.prefixes, *SYSTEM_FOLDERS):
                if _within(real, [Path(os.path.realpath(folder))]):
                    raise SandboxMissing(
                        f"{folder} is visible inside the sandbox and holds {secret}, which submissions must not read; "
                        f"move {secret} elsewhere, or run from a virtual environment in a folder of its own (make setup creates .venv)"
                    )


def places_to_hide() -> list[Path]:
    """Return the folders that no bound folder may contain: the course tree and this user's home."""
    home = os.path.expanduser("~")
    # In a container this process may have neither HOME nor an entry in passwd; the root folder is never bound.
    return [COURSE_ROOT, *([Path(home)] if os.path.isabs(home) and home != "/" else [])]


def _within(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _spellings(executable: Path) -> Iterator[Path]:
    # The name itself, then what each symbolic link after it names, as the kernel will follow them.
    seen = Path(os.path.abspath(executable))
    for _ in range(_LINKS_MAX):
        yield seen
        if not seen.is_symlink():
            return
        seen = Path(os.path.normpath(seen.parent / os.readlink(seen)))
