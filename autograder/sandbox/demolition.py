"""Walls that a test takes down on purpose, to see that something notices: nothing but tests can reach this.

A suite of attacks that stays green proves little until it has been seen to turn red. There is no option, variable or
setting for this: the one way is to call ``without`` from Python in a process that runs tests.

What stands in a wall's place while it is down:

=============  ===============================================================================================
wall           without it
=============  ===============================================================================================
network        this machine's own network and its abstract sockets; internet sockets may be made
pid            this machine's processes are numbered, signalled and listed; what leaves its parent outlives the end
proc           this machine's ``/proc`` (who may read what in it is still decided by the user)
files          all of this machine's files, read-only, as far as the user inside may read them
read-only      the root folder of the sandbox can be written: in memory, gone with it
environment    every variable of the grader
ipc            this machine's System V and POSIX message queues and semaphores
memory         no limit on memory
processes      no limit on processes and threads
disk           no limit on files
cpu            no limit on CPU time; the engine's wall time stays
output         no limit on what arrives from the kernel; the engine's own count stays
uid            the grader's own user (root, where the grader is root), without capabilities
capabilities   the few capabilities that building the walls needs are kept
seccomp        every system call
landlock       no Landlock domain
judge-socket   the judge's folder can be written: its socket can be removed and replaced
=============  ===============================================================================================

``pid`` and ``proc`` leave the watchdog without a list of the sandbox's own processes: it is not started, and what the
kernel enforces by itself is all that limits memory and CPU time.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from enum import StrEnum


class Wall(StrEnum):
    """What can be taken down, one at a time or together."""

    NETWORK = "network"
    PID = "pid"
    PROC = "proc"
    FILES = "files"
    READ_ONLY = "read-only"
    ENVIRONMENT = "environment"
    IPC = "ipc"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"
    CPU = "cpu"
    OUTPUT = "output"
    UID = "uid"
    CAPABILITIES = "capabilities"
    SECCOMP = "seccomp"
    LANDLOCK = "landlock"
    JUDGE_SOCKET = "judge-socket"


class DemolitionError(ValueError):
    """A wall that is not known, or an attempt to take one down outside a test."""


class DemolitionWarning(UserWarning):
    """Student code runs with a wall missing."""


# For the whole process, not for a thread: a test's sandbox is built in whatever thread drives its kernel.
_down: frozenset[Wall] = frozenset()


def down() -> frozenset[Wall]:
    """Return the walls that are down in this process: none, outside ``without``."""
    return _down


@contextlib.contextmanager
def without(*names: str) -> Iterator[frozenset[Wall]]:
    """Build every sandbox that this process starts meanwhile without some of its walls. For tests alone.

    Sandboxes that run already keep their walls. Worker processes of a pool are not told: use it with ``grade_one`` or
    ``open_sandbox`` in the test's own process, and only with attacks that are bounded by themselves.

    Args:
        names: the words of ``Wall``.

    Raises:
        DemolitionError: an unknown word, no word, or a process that does not run tests.
    """
    global _down
    known = [str(wall) for wall in Wall]
    for name in names:
        if name not in known:
            raise DemolitionError(f"wall {name!r} must be one of {', '.join(known)}")
    if not names:
        raise DemolitionError(f"no wall was named; name some of {', '.join(known)}")
    if "pytest" not in sys.modules:
        raise DemolitionError(f"walls ({', '.join(names)}) can be taken down by tests alone; run this under pytest")
    before = _down
    _down = before | {Wall(name) for name in names}
    warnings.warn(f"student code runs WITHOUT these walls: {', '.join(sorted(_down))}", DemolitionWarning, stacklevel=3)
    try:
        yield _down
    finally:
        _down = before
