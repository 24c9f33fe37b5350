"""Whom the student's code runs as: never root, and nobody else's user."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.demolition import Wall, down

# No distribution hands these out (they lie above systemd's container range and below 2**31). One of its own for every
# sandbox: the kernel counts processes per user, so a shared one would let a fork bomb starve the neighbours.
PRIVATE_IDS = range(0x7000_0000, 0x7100_0000)
STUDENT_ID = 1000
# Bits in /proc/self/status's CapEff: CHOWN, SETGID, SETUID, SETPCAP, SYS_ADMIN.
_NEEDED_CAPABILITIES = (0, 6, 7, 8, 21)


@dataclass(frozen=True)
class Identity:
    """A user and group inside the walls.

    Args:
        uid: user id as seen inside.
        gid: group id as seen inside.
        namespaced: True: the caller is an ordinary user, and a user namespace shows it as ``uid``. False: the caller is
            root, bubblewrap binds as root, and the first program inside becomes ``uid`` for real.
    """

    uid: int
    gid: int
    namespaced: bool

    @classmethod
    def choose(cls) -> Identity:
        """Pick the identity for one sandbox from what this process may do."""
        made = cls._choose()
        return made if Wall.UID not in down() else cls(0, 0, made.namespaced)

    @property
    def becomes(self) -> bool:
        """Tell whether the first program inside must change its user: not where a namespace shows it as that user."""
        return not self.namespaced and self.uid != 0

    @classmethod
    def _choose(cls) -> Identity:
        if os.geteuid() != 0 or not _may_change_identity(Path("/proc/self/status").read_text()):
            return cls(STUDENT_ID, STUDENT_ID, namespaced=True)
        ids = private_ids(Path("/proc/self/uid_map").read_text())
        groups = private_ids(Path("/proc/self/gid_map").read_text())
        if not ids or not groups:
            return cls(STUDENT_ID, STUDENT_ID, namespaced=True)
        return cls(secrets.choice(ids), secrets.choice(groups), namespaced=False)


def private_ids(id_map: str) -> range:
    """Choose the ids that a sandbox may take.

    Args:
        id_map: text of ``/proc/self/uid_map``: lines of first inner id, first outer id, count.

    Returns:
        ``PRIVATE_IDS`` where they are mapped; in a container with fewer ids the upper end of its largest range, without
        the two ids at the very top (``nobody`` is 65534); an empty range where nothing but root is mapped.
    """
    largest = range(0)
    for line in id_map.splitlines():
        first, _, count = (int(word) for word in line.split())
        if first <= PRIVATE_IDS.start and PRIVATE_IDS.stop <= first + count:
            return PRIVATE_IDS
        if count > len(largest):
            largest = range(first, first + count)
    return largest[len(largest) // 2 : -2] if len(largest) >= 4096 else range(0)


def _may_change_identity(status: str) -> bool:
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return all(held >> bit & 1 for bit in _NEEDED_CAPABILITIES)
    return False


def another_id(taken: int) -> int:
    """Return a neighbour of a private id: nobody's either, and not the same."""
    return taken - 1 if taken % 2 else taken + 1
