"""A control group around one sandbox, where this machine lets the grader make one: the kernel itself counts and stops.

The watchdog looks twenty times a second at what processes show of themselves. A group also counts what is over before
anybody looks, and what no process shows: pipes, sockets, directory entries, children that have ended.

A group is a child of the grader's own, so every limit that is set for the grader holds for the sandbox as well. Both
layouts are understood: version 1 (one hierarchy a controller) and version 2 (one for all). Each group's folder is locked
for as long as its grader lives; a group that nobody holds is left over from a grader that was killed, and is removed
when the next group is made.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.demolition import Wall
from autograder.sandbox.limits import MEBIBYTE, Limits

PREFIX = "vislab-sandbox-"
# Exactly what this module makes: what an administrator named alike is not ours to sweep away.
_NAME = re.compile(rf"{PREFIX}[0-9a-f]{{16}}")
CONTROLLERS = ("memory", "pids", "cpuacct")
# Above the limit itself: the watchdog, which knows what is the student's own, is to speak first. A group also holds
# bubblewrap, the kernel's own memory for files and pipes, and library pages that the machine would drop.
MEMORY_HEADROOM_BYTES = 128 * MEBIBYTE
# Bubblewrap outside and inside the namespace.
OWN_PROCESSES = 2
_REMOVE_S = 5.0
_TRIES = 5
# An interpreter would have to be forked with its threads to do this; a shell becomes bubblewrap once it has moved.
ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class Parents:
    """Where groups can be made.

    Args:
        folders: controller out of ``CONTROLLERS`` to the folder in which its groups are made; several controllers may
            share one, as all do in version 2.
        unified: whether they are version 2's.
    """

    folders: Mapping[str, Path]
    unified: bool = False

    @classmethod
    def find(cls, groups: str | None = None, mounts: str | None = None) -> Parents:
        """Find the grader's own groups that may get children; those it may not change are left out.

        Args:
            groups: text of ``/proc/self/cgroup``; None: this process's.
            mounts: text of ``/proc/self/mountinfo``; None: this process's.
        """
        groups = Path("/proc/self/cgroup").read_text() if groups is None else groups
        mounts = Path("/proc/self/mountinfo").read_text() if mounts is None else mounts
        single: dict[str, Path] = {}
        unified: dict[str, Path] = {}
        for controllers, folder in _own_groups(groups, mounts):
            if controllers:
                single |= {name: folder for name in controllers if name in CONTROLLERS and _can_make(folder)}
            else:
                unified = _delegated(folder)
        # A hybrid machine has controllers in one place only.
        return cls(unified, unified=True) if "memory" in unified else cls(single)


def _own_groups(groups: str, mounts: str) -> Iterator[tuple[list[str], Path]]:
    own = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in groups.splitlines() if line.count(":") >= 2}
    for line in mounts.splitlines():
        words, _, after = line.partition(" - ")
        kind, _, options = [*after.split(" "), "", "", ""][:3]
        root, point = words.split(" ")[3:5]
        if kind == "cgroup2" and "" in own:
            yield [], _below(point, root, own[""])
        elif kind == "cgroup":
            for names, path in own.items():
                # The mount's options hold the controllers' names among others.
                if names and set(names.split(",")) <= set(options.split(",")):
                    yield names.split(","), _below(point, root, path)


def _below(point: str, root: str, path: str) -> Path:
    # In a container the mount shows a part of the hierarchy: that part's own path comes off.
    inside = os.path.relpath(path, root) if path.startswith(root.rstrip("/") + "/") or path == root else path.lstrip("/")
    return Path(os.path.normpath(os.path.join(point, inside)))


def _can_make(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and not os.statvfs(folder).f_flag & os.ST_RDONLY


def _delegated(folder: Path) -> dict[str, Path]:
    # Version 2 gives controllers to children of a group only where the group itself has no process: the grader's own
    # group never qualifies but at the top of a hierarchy; the one above does where it was handed to this user and
    # where nothing is limited below it that leaving would escape.
    for candidate in (folder, folder.parent):
        try:
            given = (candidate / "cgroup.subtree_control").read_text().split()
            free = candidate == folder or all((folder / name).read_text().strip() == "max" for name in ("memory.max", "pids.max"))
        except OSError:
            continue
        if {"memory", "pids"} <= set(given) and free and _can_make(candidate) and os.access(candidate / "cgroup.procs", os.W_OK):
            return dict.fromkeys(CONTROLLERS, candidate)
    return {}


class ControlGroup:
    """The group of one sandbox; used as what ``make`` returns, and removed by ``remove``.

    Args:
        held: folder of the group to the open, locked descriptor of that folder.
        parents: where it was made.
    """

    def __init__(self, held: dict[Path, int], parents: Parents, name: str) -> None:
        self._held = held
        self._unified = parents.unified
        self._of = {controller: folder / name for controller, folder in parents.folders.items()}

    @classmethod
    def make(
        cls,
        limits: Limits,
        demolished: frozenset[Wall] = frozenset(),
        parents: Parents | None = None,
        own_processes: int = OWN_PROCESSES,
    ) -> ControlGroup | None:
        """Make a group and set its limits; None where this machine has no place for one.

        Args:
            limits: what the sandbox may use.
            demolished: walls that a test has taken down: what they limit is not limited here.
            parents: where; None: wherever this process may.
            own_processes: how many of the processes in it are ours.
        """
        parents = parents or Parents.find()
        # A test that leaves processes behind on purpose could not have its group removed.
        if not parents.folders or Wall.PID in demolished:
            return None
        for folder in set(parents.folders.values()):
            sweep(folder)
        for _ in range(_TRIES):
            name = f"{PREFIX}{secrets.token_hex(8)}"
            held: dict[Path, int] = {}
            group = cls(held, parents, name)
            try:
                for folder in dict.fromkeys(parents.folders.values()):
                    held[folder / name] = _make_locked(folder / name)
                group._limit(limits, demolished, own_processes)
                return group
            except FileNotFoundError:
                # Another grader swept it away before it was locked.
                group.remove()
            except OSError:
                group.remove()
                return None
        return None

    @property
    def controllers(self) -> tuple[str, ...]:
        """Return which of ``CONTROLLERS`` are in force."""
        return tuple(self._of)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the group's folders; none once it is removed."""
        return tuple(self._held)

    def entrance(self, command: list[str]) -> list[str]:
        """Return the command that enters the group and then becomes ``command``."""
        return ["/bin/sh", "-c", ENTER, "sh", *(str(folder / "cgroup.procs") for folder in self._held), "--", *command]

    def admit(self, pid: int) -> None:
        """Move a process into the group; what it starts from then on is in it too.

        Raises:
            OSError: it is gone, or may not be moved.
        """
        for folder in self._held:
            (folder / "cgroup.procs").write_text(str(pid))

    def memory_kills(self) -> int:
        """Return how many processes the kernel killed because the group's memory was full."""
        return _field(self._of.get("memory"), "memory.events" if self._unified else "memory.oom_control", "oom_kill")

    def peak_memory_bytes(self) -> int:
        """Return the most memory that the group ever held, library and file pages included; 0: not told."""
        return _number(self._of.get("memory"), "memory.peak" if self._unified else "memory.max_usage_in_bytes")

    def cpu_s(self) -> float:
        """Return the CPU time of everything that ever ran in the group, seconds."""
        if self._unified:
            return _field(self._of.get("cpuacct"), "cpu.stat", "usage_usec") / 1e6
        return _number(self._of.get("cpuacct"), "cpuacct.usage") / 1e9

    def remove(self) -> None:
        """Remove the group, whose processes have ended; what is left inside all the same is killed."""
        for folder, descriptor in list(self._held.items()):
            with contextlib.suppress(OSError):
                _remove(folder, _REMOVE_S)
            # Unlocked from here on: what could not be removed is swept away by the next grader.
            os.close(descriptor)
            del self._held[folder]

    def _limit(self, limits: Limits, demolished: frozenset[Wall], own_processes: int) -> None:
        memory, pids = self._of.get("memory"), self._of.get("pids")
        if memory is not None and Wall.MEMORY not in demolished:
            size = str(limits.memory_bytes + MEMORY_HEADROOM_BYTES)
            (memory / ("memory.max" if self._unified else "memory.limit_in_bytes")).write_text(size)
            # Swapping must not be a way round: version 1 counts both together and takes the sum after its part.
            for name, value in {"memory.swap.max": "0"}.items() if self._unified else {"memory.memsw.limit_in_bytes": size}.items():
                if (memory / name).exists():
                    (memory / name).write_text(value)
        if pids is not None and Wall.PROCESSES not in demolished:
            (pids / "pids.max").write_text(str(limits.processes + own_processes))


def sweep(parent: Path) -> list[str]:
    """Remove the groups in a folder that no living grader holds; returns their names."""
    removed = []
    with contextlib.suppress(OSError):
        for entry in [entry for entry in os.scandir(parent) if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]:
            try:
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(Path(entry.path), _REMOVE_S)
                removed.append(entry.name)
            except OSError:
                # Its grader lives, or another one removes it at this moment.
                continue
            finally:
                os.close(descriptor)
    return removed


def _make_locked(folder: Path) -> int:
    folder.mkdir(0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The lock may have been got on a folder that was swept away in between.
        if os.stat(folder).st_ino != os.fstat(descriptor).st_ino:
            raise FileNotFoundError(folder)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            # A sweeper holds it, and is about to remove it.
            raise FileNotFoundError(folder) from error
        raise
    return descriptor


def _remove(folder: Path, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            # Its last process is still ending, or belongs to a grader that was killed together with bubblewrap.
            if time.monotonic() > deadline:
                raise
            with contextlib.suppress(OSError):
                for pid in map(int, (folder / "cgroup.procs").read_text().split()):
                    # A process of a foreign namespace is listed as 0, and 0 would be this process's own group.
                    if pid > 1:
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)


def _number(folder: Path | None, name: str) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((folder / name).read_text()) if folder is not None else 0
    return 0


def _field(folder: Path | None, name: str, field: str) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in (folder / name).read_text().splitlines() if folder is not None else ():
            word, _, value = line.partition(" ")
            if word == field:
                return int(value)
    return 0
