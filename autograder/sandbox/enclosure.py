"""One running sandbox: from bubblewrap's start to the moment when the last process inside is gone."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.sandbox.control_group import ControlGroup
from autograder.sandbox.demolition import Wall
from autograder.sandbox.faults import SandboxFault, remedy
from autograder.sandbox.limits import Limits
from autograder.sandbox.parcel import pack
from autograder.sandbox.pipes import Tail, memory_file, read_until
from autograder.sandbox.walls import (
    HOME,
    KERNEL,
    PROGRAMS,
    SHARED_MEMORY,
    TEMPORARY,
    WORK,
    Descriptors,
    Walls,
    find_bwrap,
    resource_limits,
)

INNER = Path(__file__).with_name("inner.py")
# What every sandbox needs among its programs.
LAUNCHER = (INNER, Path(__file__).with_name("landlock.py"))
# Opened from this side while no student code runs yet, and kept: no path is looked up once there is.
PRIVATE_FOLDERS = ("/proc", HOME, SHARED_MEMORY, KERNEL)
NAMESPACES = {"ipc": Wall.IPC, "mnt": None, "net": Wall.NETWORK, "pid": Wall.PID, "uts": None}
START_S = 30.0
KILL_S = 15.0


class Enclosure:
    """The processes behind one set of walls.

    Args:
        walls: what the sandbox looks like.
        group_limits: what its control group allows, where there is one; None: what ``walls`` allow.
    """

    def __init__(self, walls: Walls, group_limits: Limits | None = None) -> None:
        self.walls = walls
        self._group_limits = group_limits or walls.limits
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd: int | None = None
        self._folders: dict[str, int] = {}
        self._tails: list[Tail] = []
        self._landlock_abi = 0
        self._group: ControlGroup | None = None
        self._closing = threading.Lock()

    def start(self, argv: Sequence[str], files: Mapping[str, bytes]) -> None:
        """Build the walls and run a program behind them.

        Bubblewrap dies with the *thread* that calls this, so the caller's thread must outlive the sandbox.

        Args:
            argv: program and arguments, paths as seen inside.
            files: absolute path inside a private folder to content; all belong to the student's user.

        Raises:
            SandboxMissing: bubblewrap is missing or too old.
            SandboxFault: the walls could not be built, or the first program inside could not give up its privileges.
        """
        bwrap = find_bwrap()
        info_read, info_write = os.pipe()
        status_read, status_write = os.pipe()
        small = {path: memory_file(path, content) for path, content in self.walls.small_files().items()}
        filter_fd = memory_file("seccomp", self.walls.call_filter())
        words = self.walls.words(Descriptors(info_write, status_write, filter_fd, small))
        arguments_fd = memory_file("arguments", b"".join(os.fsencode(word) + b"\0" for word in words))
        inherited = [info_write, status_write, filter_fd, arguments_fd, *small.values()]
        self._group = ControlGroup.make(self._group_limits, self.walls.demolished)
        launcher = [str(bwrap), "--args", str(arguments_fd), "--"]
        inner = [str(self.walls.interpreter.executable), "-I", "-S", f"{PROGRAMS}/{INNER.name}", str(status_write)]
        command = [*launcher, *inner]
        try:
            self._process = subprocess.Popen(
                command if self._group is None else self._group.entrance(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=inherited,
                # pid 1 inside is bubblewrap too: its environment and folder are readable from there.
                env=self.walls.launcher_variables(),
                cwd="/",
                # Ctrl-C at the grader's terminal must reach the grader alone.
                start_new_session=True,
            )
        except OSError as error:
            os.close(info_read)
            os.close(status_read)
            self.close()
            raise SandboxFault(f"{bwrap} could not be started: {error.strerror}; try `bwrap --version`") from error
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        assert self._process.stdout is not None and self._process.stderr is not None
        self._tails = [Tail(self._process.stdout), Tail(self._process.stderr)]
        overdue = threading.Timer(START_S, self._process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            self._hand_over(argv, files, info_read, status_read)
        except BaseException:
            self.close()
            raise
        finally:
            overdue.cancel()
            os.close(info_read)
            os.close(status_read)

    def _hand_over(self, argv: Sequence[str], files: Mapping[str, bytes], info_read: int, status_read: int) -> None:
        assert self._process is not None and self._process.stdin is not None
        info = read_until(info_read, b"}")
        init_pid = int(json.loads(info)["child-pid"]) if info else 0
        if init_pid:
            try:
                self._pidfd = os.pidfd_open(init_pid)
            except ProcessLookupError:
                raise SandboxFault(self._why_not(None)) from None
        try:
            for piece in pack(self._plan(argv), files):
                self._process.stdin.write(piece)
            self._process.stdin.flush()
        except BrokenPipeError:
            # The reason is on the status pipe or on standard error.
            pass
        status = read_until(status_read, b"\n")
        report: dict[str, Any] = json.loads(status) if status else {"ready": False}
        if not report["ready"] or not init_pid:
            raise SandboxFault(self._why_not(report.get("error")))
        self._landlock_abi = report["landlock"]
        self._require_namespaces(init_pid)
        for folder in PRIVATE_FOLDERS:
            path = f"/proc/{init_pid}/root{folder}"
            self._folders[folder] = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # The end of the parcel is the word to go.
        self._process.stdin.close()

    def _require_namespaces(self, init_pid: int) -> None:
        # Bubblewrap was told to make them; this is the check that it did, before any student code runs.
        for kind, wall in NAMESPACES.items():
            same = os.stat(f"/proc/{init_pid}/ns/{kind}").st_ino == os.stat(f"/proc/self/ns/{kind}").st_ino
            if same and wall not in self.walls.demolished:
                raise SandboxFault(
                    f"the sandbox shares this machine's {kind} namespace; upgrade bubblewrap, or see `python -m autograder doctor`"
                )

    def _plan(self, argv: Sequence[str]) -> dict[str, Any]:
        identity, demolished = self.walls.identity, self.walls.demolished
        return {
            "walled": True,
            "argv": list(argv),
            "env": self.walls.variables(),
            "cwd": HOME,
            "uid": identity.uid if identity.becomes else None,
            "gid": identity.gid if identity.becomes else None,
            "own": [WORK, TEMPORARY, HOME, KERNEL],
            "folders": [],
            "limits": resource_limits(self.walls.limits, identity, demolished),
            "rules": self.walls.landlock_rules(),
            "demolished": sorted(demolished),
        }

    def _why_not(self, error: str | None) -> str:
        self.kill()
        for tail in self._tails:
            tail.join()
        said = self.standard_error().strip()
        reason = error or said or "it ended without a word"
        return f"the sandbox could not be started: {reason}; {remedy(reason)}"

    @property
    def started(self) -> bool:
        return self._process is not None

    @property
    def bwrap_pid(self) -> int | None:
        """Process id of bubblewrap on the host; None before ``start``."""
        return self._process.pid if self._process is not None else None

    @property
    def group(self) -> ControlGroup | None:
        """Return the control group around the program; None: this machine has no place for one, or it has not started."""
        return self._group

    @property
    def landlock_abi(self) -> int:
        """Return the Landlock ABI whose domain the program is in; 0: this kernel has none, or it has not started."""
        return self._landlock_abi

    @property
    def returncode(self) -> int | None:
        """Exit status as a shell tells it (128 + signal for a killed program); None while it runs."""
        return as_shell_status(self._process.poll()) if self._process is not None else None

    @property
    def uncharged(self) -> tuple[str, ...]:
        """Return the processes inside whose memory is nobody's doing there, by number as seen inside."""
        return ()

    def folder(self, path: str) -> int:
        """Return an open descriptor of one of ``PRIVATE_FOLDERS``; it stays this object's to close."""
        return self._folders[path]

    def standard_output(self) -> str:
        """Return the last 64 KiB that the program wrote to its own standard output."""
        return self._tails[0].text()

    def standard_error(self) -> str:
        """Return the last 64 KiB that the program (or bubblewrap) wrote to its own standard error."""
        return self._tails[1].text()

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the program to end; returns its exit status, or None when the time is over."""
        assert self._process is not None
        try:
            return as_shell_status(self._process.wait(timeout_s))
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """Kill every process inside, daemons included, and wait until none is left.

        Raises:
            SandboxFault: a process could not be killed (it hangs in the kernel).
        """
        with self._closing:
            if self._process is None:
                return
            if self._pidfd is None:
                self._process.kill()
            else:
                self._kill_namespace(self._pidfd)
            try:
                self._process.wait(KILL_S)
            except subprocess.TimeoutExpired as error:
                raise SandboxFault(f"bubblewrap {self._process.pid} is still there {KILL_S:g} s after SIGKILL") from error

    def _kill_namespace(self, pidfd: int) -> None:
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return
        # A namespace's pid 1 becomes a zombie only when every other process of the namespace has been reaped.
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        if not poller.poll(KILL_S * 1000):
            raise SandboxFault(f"a process inside the sandbox is still there {KILL_S:g} s after SIGKILL")

    def close(self) -> None:
        """Kill what is left and release every descriptor; what the program printed stays readable."""
        try:
            self.kill()
        finally:
            with self._closing:
                if self._pidfd is not None:
                    os.close(self._pidfd)
                    self._pidfd = None
                for descriptor in self._folders.values():
                    os.close(descriptor)
                self._folders = {}
                if self._process is not None and self._process.stdin is not None:
                    try:
                        self._process.stdin.close()
                    except BrokenPipeError:
                        pass
                if self._group is not None:
                    self._group.remove()
            for tail in self._tails:
                tail.join()


def as_shell_status(status: int | None) -> int | None:
    """Give a killed program's status as 128 + signal: bubblewrap reports so what ends inside, Python says -signal of bubblewrap itself."""
    # The kernel, out of memory, may choose bubblewrap before any program inside it.
    return 128 - status if status is not None and status < 0 else status
