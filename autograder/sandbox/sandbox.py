"""A sandbox for one run of one notebook: the face that the engine uses.

What a submission that exceeds its limits looks like from outside:

===========================  ==========================================================================================
what it did                  what the engine sees
===========================  ==========================================================================================
used more resident memory    the kernel dies (``nbclient.DeadKernelError``); ``cause_of_death`` is ``"memory"``
one allocation far too big   the cell goes on: ``MemoryError`` (NumPy), ``RuntimeError`` "can't allocate memory" (torch)
used more CPU time           the kernel dies; ``cause_of_death`` is ``"cpu"``
too many processes, threads  the cell goes on: ``BlockingIOError`` (EAGAIN) from fork, ``RuntimeError`` "can't start new
                             thread"; where that limit is not in force the kernel dies and the cause is ``"processes"``
too much on disk             the cell goes on: ``OSError`` ENOSPC, or EFBIG for one file above the limit; with more than
                             100 000 files the kernel dies and the cause is ``"files"``
a cell takes too long        nothing happens here: the engine interrupts (``interrupt``), then kills (``kill``)
swallowed the interrupt      ``kill`` works always; the cause is None, since no limit of the sandbox was exceeded
a flood of output            the engine's to count (``limits.output_mib``); when far more arrives than an honest notebook
                             could explain (``RELAY_FACTOR``), the kernel dies and the cause is ``"output"``
crashed, ``os._exit``        the kernel dies; the cause is None
network, mount, ptrace …     the cell goes on with ``OSError``: EPERM, ENETUNREACH, ECONNREFUSED, EAFNOSUPPORT
===========================  ==========================================================================================

Jupyter notices a dead kernel once a second. ``SandboxFault`` and ``SandboxMissing`` are never a student's doing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.sandbox.connection import PORTS
from autograder.sandbox.demolition import Wall
from autograder.sandbox.enclosure import LAUNCHER, PRIVATE_FOLDERS, Enclosure
from autograder.sandbox.fonts import font_cache
from autograder.sandbox.home import STUDENT_KERNEL, RunHome, judge_socket, vislab_folder
from autograder.sandbox.identity import Identity
from autograder.sandbox.interpreter import Interpreter, places_to_hide
from autograder.sandbox.limits import MEBIBYTE, Limits
from autograder.sandbox.parcel import WorkFiles
from autograder.sandbox.relay import Relay
from autograder.sandbox.walls import CONNECTION_FILE, HOME, KERNEL, PROGRAMS, SHARED_MEMORY, WORK, Walls, find_bwrap
from autograder.sandbox.watchdog import Cause, Watchdog

# The engine counts the text and images of a notebook against limits.output_mib. Honest notebooks send more than they
# keep: a live figure is replaced a thousand times. This is the net below, for the grader's memory.
RELAY_FACTOR = 8
RELAY_FLOOR_BYTES = 64 * MEBIBYTE


class Sandbox(RunHome):
    """Walls, a kernel behind them, and the watchdog that measures it.

    Each kernel that is started gets walls of its own: a fresh bubblewrap, a fresh interpreter, fresh copies of the files
    (``ForkedSandbox`` does without the first two). The thread that starts the kernel must outlive it: the sandbox dies
    with that thread, so that a grader that is killed leaves nothing behind. When the grader is root, the judge's folder
    and socket are given to the sandbox's own user.

    Raises:
        SandboxMissing: this machine cannot build the walls, or they would show what must stay hidden.
    """

    def __init__(
        self,
        work_files: WorkFiles,
        judge_dir: Path | None = None,
        limits: Limits | None = None,
        *,
        data: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
        interpreter: Interpreter | None = None,
        pictures: bool = True,
    ) -> None:
        super().__init__(work_files, judge_dir, limits, data=data, environment=environment, interpreter=interpreter, pictures=pictures)
        find_bwrap()
        self._interpreter.refuse_exposure(places_to_hide())
        self._enclosure: Enclosure | None = None
        self._watchdog: Watchdog | None = None
        self._relay: Relay | None = None

    @property
    def cause_of_death(self) -> Cause | None:
        """Return which limit the last kernel was killed for; None: it lives, or died of something else."""
        if self._watchdog is not None and self._watchdog.cause is not None:
            return self._watchdog.cause
        if self._relay is not None and self._relay.exceeded:
            return Cause.OUTPUT
        return super().cause_of_death

    @property
    def peak_memory_bytes(self) -> int:
        """Return the most memory that was seen: sampled, so a short peak is missed, and forks that share pages count twice."""
        return self._watchdog.peak_memory_bytes if self._watchdog is not None else 0

    @property
    def cpu_s(self) -> float:
        """Return the CPU time that all processes inside had used when they were last measured, seconds."""
        return self._watchdog.cpu_s if self._watchdog is not None else 0.0

    def grant_cpu(self, seconds: float) -> None:
        """Set how much CPU time the run may use beside ``limits.submission_s``; the watchdog keeps to it."""
        if self._watchdog is not None:
            self._watchdog.granted_s = min(seconds, self.limits.training_s)

    @property
    def standard_error(self) -> str:
        """Return the end of what the kernel process wrote to its own standard error, for a grader's log."""
        return self._enclosure.standard_error() if self._enclosure is not None else ""

    def open_folders(self) -> dict[str, int]:
        """Return descriptors of the private folders and of the sandbox's ``/proc``; see ``RunHome.open_folders``."""
        return {} if self._enclosure is None else {path: os.dup(self._enclosure.folder(path)) for path in PRIVATE_FOLDERS}

    def argv(self) -> list[str]:
        """Return the kernel's command line, paths as the kernel sees them."""
        command = [str(self._interpreter.executable), "-P", "-s", f"{PROGRAMS}/{STUDENT_KERNEL.name}", WORK, "-f", CONNECTION_FILE]
        return [*command, *self._options]

    def launch(self, argv: Sequence[str], info: Mapping[str, Any]) -> str:
        """Start a kernel behind new walls; the provisioner calls this.

        Raises:
            SandboxMissing, SandboxFault: see ``Enclosure.start``; a judge that does not listen is a fault too.
        """
        self.release()
        identity = Identity.choose()
        self._admit_to_judge(identity)
        files = {f"{HOME}/.config/matplotlib/{name}": content for name, content in font_cache(self._interpreter).items()}
        files |= {f"{WORK}/{name}": content for name, content in self._work_files.items()}
        files[CONNECTION_FILE] = self._connection.file(info, KERNEL)
        walls = Walls(
            interpreter=self._interpreter,
            identity=identity,
            limits=self.limits,
            package=vislab_folder(),
            judge_dir=self._judge_dir,
            programs=(*LAUNCHER, STUDENT_KERNEL),
            data=self._data,
            environment=self._environment,
        )
        enclosure = self._enclose(walls, argv, files)
        self._launched = True
        stores = [enclosure.folder(folder) for folder in (HOME, SHARED_MEMORY, KERNEL)]
        self._watchdog = Watchdog(
            enclosure.folder("/proc"),
            stores,
            self.limits,
            enclosure.kill,
            unwatched=walls.demolished,
            group=enclosure.group,
            uncharged=enclosure.uncharged,
        )
        if not walls.demolished & {Wall.PID, Wall.PROC}:
            # Otherwise that folder lists every process of this machine.
            self._watchdog.start()
        near, far = self._connection.stem(str(self.run_folder)), self._connection.stem_by_descriptor(enclosure.folder(KERNEL))
        channels = {f"{near}-{info[port]}": f"{far}-{info[port]}" for port in PORTS}
        bytes_max = RELAY_FACTOR * self.limits.output_bytes + RELAY_FLOOR_BYTES
        self._relay = Relay(channels, bytes_max if Wall.OUTPUT not in walls.demolished else sys.maxsize, enclosure.kill)
        self._relay.start()
        self._info = {**info, "ip": near}
        return near

    def _enclose(self, walls: Walls, argv: Sequence[str], files: Mapping[str, bytes]) -> Enclosure:
        self._enclosure = enclosure = Enclosure(walls)
        enclosure.start(argv, files)
        return enclosure

    def poll(self) -> int | None:
        """Return the kernel's exit status (128 + signal when it was killed); None while it runs or was never started."""
        return self._enclosure.returncode if self._enclosure is not None else None

    def kill(self) -> None:
        """Kill the kernel and everything it started, from any thread; returns when nothing is left."""
        if self._enclosure is not None:
            self._enclosure.kill()

    def release(self) -> None:
        """Kill what is left and give back all that the kernel held; its cause of death stays readable."""
        self._launched = False
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._relay is not None:
            self._relay.stop()
        if self._enclosure is not None:
            self._enclosure.close()

    def _admit_to_judge(self, identity: Identity) -> None:
        if self._judge_dir is None:
            return
        socket = judge_socket(self._judge_dir)
        if not identity.namespaced:
            # To its own user and not to everybody: other people on this machine must not reach the judge.
            for path in (socket, self._judge_dir):
                os.chown(path, identity.uid, identity.gid)
