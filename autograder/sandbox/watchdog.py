"""A thread that measures a running sandbox from outside and kills it when it takes more than its limits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from autograder.sandbox.control_group import ControlGroup
from autograder.sandbox.demolition import Wall
from autograder.sandbox.limits import Limits

INTERVAL_S = 0.05
# The kernel's limit refuses the process that would be one too many; the watchdog is there for when it is not in force.
PROCESS_SLACK = 8
# Each file costs kernel memory that no folder's size shows. No honest notebook comes near this many.
FILE_COUNT_MAX = 100_000
_INODE_BYTES = 1024
# Of /proc/<pid>/status and smaps_rollup.
_WANTED = frozenset({"RssAnon", "RssShmem", "VmPTE", "VmSwap", "Threads", "Pss_Anon", "Pss_Shmem", "SwapPss"})
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Cause(StrEnum):
    """Which limit a killed sandbox had exceeded."""

    MEMORY = "memory"
    CPU = "cpu"
    PROCESSES = "processes"
    FILES = "files"
    OUTPUT = "output"


_CAUSES = {Wall.MEMORY: Cause.MEMORY, Wall.CPU: Cause.CPU, Wall.PROCESSES: Cause.PROCESSES, Wall.DISK: Cause.FILES}


@dataclass(frozen=True)
class Sample:
    """What a sandbox takes at one moment.

    Args:
        memory_bytes: anonymous and shared memory, page tables and swap of all processes, and files kept in memory; the
            pages of libraries are not counted, since the machine shares and drops them.
        tasks: processes and threads.
        cpu_s: CPU time of all processes so far, children that have ended included.
        files: files and folders in the private file systems.
    """

    memory_bytes: int
    tasks: int
    cpu_s: float
    files: int


class Watchdog:
    """Samples until stopped.

    Args:
        proc_folder: open descriptor of the sandbox's own ``/proc``: it lists the sandbox's processes and no others.
        stores: open descriptors of its in-memory file systems.
        limits: what it may take.
        kill: called once, from the watchdog's thread, when a limit is exceeded.
        interval_s: time between two samples, seconds.
        unwatched: walls that a test has taken down; what they limit is not looked at.
        group: the sandbox's control group: what the kernel stopped there, or counted, is taken into account.
        uncharged: processes inside whose memory is not counted, by number as seen inside.
    """

    def __init__(
        self,
        proc_folder: int,
        stores: Sequence[int],
        limits: Limits,
        kill: Callable[[], None],
        interval_s: float = INTERVAL_S,
        unwatched: frozenset[Wall] = frozenset(),
        group: ControlGroup | None = None,
        uncharged: Collection[str] = (),
    ) -> None:
        self._proc = proc_folder
        self._stores = tuple(stores)
        self._limits = limits
        self._kill = kill
        self._interval_s = interval_s
        self._ignored = {_CAUSES[wall] for wall in unwatched if wall in _CAUSES}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sandbox-watchdog", daemon=True)
        self._group = group
        self._uncharged = frozenset(uncharged)
        self._cause: Cause | None = None
        self.peak_memory_bytes = 0
        self.cpu_s = 0.0
        self.granted_s = 0.0

    @property
    def cause(self) -> Cause | None:
        """Return which limit was exceeded, whether this thread or the kernel noticed; None: none so far."""
        if self._cause is None and self._group is not None and self._group.memory_kills():
            self._cause = Cause.MEMORY
        return self._cause

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling and wait for the thread; the descriptors may be closed afterwards."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        # The group is about to be removed: what it counted is remembered.
        _ = self.cause

    def _watch(self) -> None:
        while not self._stop.wait(self._interval_s):
            try:
                sample = take_sample(self._proc, self._stores, self._limits.memory_bytes, self._uncharged)
            except OSError:
                # The namespace is gone, and its /proc with it.
                return
            self.peak_memory_bytes = max(self.peak_memory_bytes, sample.memory_bytes)
            if self._group is not None:
                # Also what children had used that nobody waited for.
                sample = replace(sample, cpu_s=max(sample.cpu_s, self._group.cpu_s()))
            self.cpu_s = max(self.cpu_s, sample.cpu_s)
            self._cause = self.cause or exceeded(sample, self._limits, self._ignored, self.granted_s)
            if self._cause is not None:
                self._kill()
                return


def exceeded(sample: Sample, limits: Limits, ignored: Collection[Cause] = (), granted_s: float = 0.0) -> Cause | None:
    """Return the first limit that a sample exceeds, those in ``ignored`` left aside.

    Args:
        granted_s: CPU seconds granted beside ``limits.submission_s``.
    """
    too_much = {
        Cause.MEMORY: sample.memory_bytes > limits.memory_bytes,
        Cause.CPU: sample.cpu_s > limits.submission_s + granted_s,
        Cause.PROCESSES: sample.tasks > limits.processes + PROCESS_SLACK,
        Cause.FILES: sample.files > FILE_COUNT_MAX,
    }
    return next((cause for cause, exceeds in too_much.items() if exceeds and cause not in ignored), None)


def take_sample(proc_folder: int, stores: Sequence[int], memory_limit_bytes: int, uncharged: Collection[str] = ()) -> Sample:
    """Measure a sandbox once.

    Pages that processes share are counted once only where the sum over processes is above ``memory_limit_bytes``:
    telling shared pages apart is slow, and below the limit it makes no difference. What is still shared with a warm
    server counts in part, as what it is: memory that the machine holds once.
    """
    pids = [name for name in os.listdir(proc_folder) if name.isdecimal()]
    anonymous = shared = tables = tasks = 0
    cpu_s = 0.0
    for pid in pids:
        status = _fields(_read(proc_folder, f"{pid}/status"))
        if pid not in uncharged:
            anonymous += status.get("RssAnon", 0) + status.get("VmSwap", 0)
            shared += status.get("RssShmem", 0)
            tables += status.get("VmPTE", 0)
        tasks += status.get("Threads", 0) // 1024
        cpu_s += _cpu_s(_read(proc_folder, f"{pid}/stat"))
    stored = files = 0
    for store in stores:
        volume = os.fstatvfs(store)
        stored += (volume.f_blocks - volume.f_bfree) * volume.f_frsize
        files += volume.f_files - volume.f_ffree
    fixed = tables + files * _INODE_BYTES
    # A mapped file is in both numbers: the larger one is charged.
    memory = anonymous + max(shared, stored) + fixed
    charged = [pid for pid in pids if pid not in uncharged]
    if memory > memory_limit_bytes and len(pids) > 1:
        memory = min(memory, _proportional(proc_folder, charged, stored) + fixed)
    return Sample(memory, tasks, cpu_s, files)


def _proportional(proc_folder: int, pids: Sequence[str], stored: int) -> int:
    anonymous = shared = 0
    for pid in pids:
        text = _read(proc_folder, f"{pid}/smaps_rollup")
        rollup = _fields(text)
        if not rollup:
            # A process may hide its map from an ordinary user; it is then charged for all it shares.
            rollup = _fields(_read(proc_folder, f"{pid}/status"))
            rollup = {"Pss_Anon": rollup.get("RssAnon", 0), "Pss_Shmem": rollup.get("RssShmem", 0), "SwapPss": rollup.get("VmSwap", 0)}
        anonymous += rollup.get("Pss_Anon", 0) + rollup.get("SwapPss", 0)
        shared += rollup.get("Pss_Shmem", 0)
    return anonymous + max(shared, stored)


def _fields(text: str) -> dict[str, int]:
    # Values in bytes: the kernel writes kB. Threads has no unit and is divided again by its reader.
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        # Twenty times a second for each process: what nobody asks for is not taken apart.
        if name in _WANTED and (words := rest.split()) and words[0].isdecimal():
            found[name] = int(words[0]) * 1024
    return found


def _cpu_s(text: str) -> float:
    # The program's name stands in parentheses and may hold spaces and parentheses of its own.
    fields = text.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS_PER_S if len(fields) > 15 else 0.0


def _read(folder: int, path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        # The process ended between the listing and now.
        return ""
    try:
        return os.read(descriptor, 1 << 16).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
