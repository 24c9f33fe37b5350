"""The walls of the fork server, and of a child of it: the same view, put up by other hands.

Bubblewrap shows the server what it shows every sandbox, but for what belongs to one run. The child lays that over it
(``private_view.py``), loads the filter and enters the Landlock domain itself. The server is our own code and never reads a
submission; as root it keeps the right to make namespaces and mounts, as an ordinary user no privilege at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.sandbox.identity import another_id
from autograder.sandbox.masks import PROC_FILES, PROC_FOLDERS, masked_files, masked_folders
from autograder.sandbox.walls import (
    BECOMING,
    HOME,
    JUDGE,
    KERNEL,
    KERNEL_FOLDER_BYTES,
    SHARED_MEMORY,
    TEMPORARY,
    WORK,
    Descriptors,
    Walls,
    resource_limits,
)

# Folders with the children's judges, one a child: each sees its own as JUDGE, and nothing here.
JUDGES = "/run/judges"


@dataclass(frozen=True)
class ServerWalls(Walls):
    """The walls around the server itself.

    Args:
        judges: host folder that is seen as ``JUDGES``.
        fonts: matplotlib's list of fonts: path inside to content.
    """

    judges: Path = Path("/nonexistent")
    fonts: Mapping[str, bytes] = field(default_factory=dict)

    def small_files(self) -> dict[str, bytes]:
        """Return the texts of ``/etc`` and the list of fonts, by path."""
        return {**super().small_files(), **self.fonts}

    def _namespaces(self) -> list[str]:
        # Nobody hands the server an environment, as inner.py does for others.
        return [*super()._namespaces(), *(word for name, value in self.variables().items() for word in ("--setenv", name, value))]

    def _capabilities(self) -> tuple[str, ...]:
        return () if self.identity.namespaced else (*BECOMING, "CAP_SYS_ADMIN")

    def _call_filter_words(self, descriptors: Descriptors) -> tuple[str, ...]:
        # Each child loads it for itself: through it nobody could make namespaces.
        return ()

    def _proc_masks(self) -> list[str]:
        # An ordinary user may mount a new /proc only where the old one is in full view. Each child's is masked.
        return []

    def _own_files(self, descriptors: Descriptors) -> list[str]:
        return [*super()._own_files(descriptors), "--dir", JUDGE, "--dir", JUDGES, "--ro-bind", str(self.judges), JUDGES]


def child_plan(walls: Walls, argv: list[str], judge: str | None) -> dict[str, Any]:
    """Return what a child is told.

    Args:
        walls: what is to be around it; none of them down.
        argv: command line of its program; options of the interpreter are the server's.
        judge: name of its judge's folder in ``JUDGES``.
    """
    identity = walls.identity
    files = walls.limits.files_bytes
    return {
        "argv": argv,
        "env": walls.variables(),
        "cwd": HOME,
        "uid": identity.uid if identity.becomes else None,
        "gid": identity.gid if identity.becomes else None,
        "inside": identity.uid,
        # Not the newborn's: it could take the processor, the limits or the files of a process of its own user.
        "init": [another_id(identity.uid), another_id(identity.gid)] if identity.becomes else [None, None],
        "own": [WORK, TEMPORARY, HOME, KERNEL],
        "limits": resource_limits(walls.limits, identity),
        "rules": walls.landlock_rules(),
        "filter": walls.call_filter().hex(),
        "view": {
            "judges": JUDGES,
            "judge": None if judge is None else [judge, JUDGE],
            "texts": {path: text.decode() for path, text in walls.small_files().items() if path in ("/etc/passwd", "/etc/group")},
            "stores": [
                [SHARED_MEMORY, f"mode=1777,size={files}"],
                [HOME, f"mode=0700,size={files}"],
                [KERNEL, f"mode=0700,size={KERNEL_FOLDER_BYTES}"],
            ],
            "places": [WORK, TEMPORARY],
            "again": covered_again(walls),
            "files": masked_files(PROC_FILES),
            "folders": masked_folders(PROC_FOLDERS),
        },
    }


def covered_again(walls: Walls) -> list[str]:
    """Return the paths that the server shows in a folder which each child gets anew: an environment below ``/tmp``, for example."""
    seen = [f"{TEMPORARY}/{path.removeprefix('/tmp/')}" if path.startswith("/tmp/") else path for path in walls.shown_paths()]
    return [path for path in seen if path.startswith(tuple(f"{store}/" for store in (HOME, SHARED_MEMORY, KERNEL)))]
