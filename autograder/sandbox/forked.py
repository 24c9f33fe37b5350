"""One running sandbox that was forked from the warm server: the face of ``Enclosure``, and the same walls."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.sandbox.control_group import ControlGroup
from autograder.sandbox.enclosure import KILL_S, NAMESPACES, PRIVATE_FOLDERS, START_S, Enclosure
from autograder.sandbox.faults import SandboxFault, remedy
from autograder.sandbox.home import judge_socket
from autograder.sandbox.inner import privileges_left
from autograder.sandbox.keeper import Server
from autograder.sandbox.limits import Limits
from autograder.sandbox.parcel import GO, pack
from autograder.sandbox.pipes import Tail
from autograder.sandbox.server_walls import JUDGES, child_plan
from autograder.sandbox.walls import HOME, JUDGE_SOCKET, KERNEL, SHARED_MEMORY, Walls

_OWN_MOUNTS = ("/proc", HOME, SHARED_MEMORY, KERNEL, JUDGES)
_MESSAGE_BYTES = 1 << 14
_FAILED = 70
_CREDENTIALS = struct.Struct("3i")


class ForkedEnclosure(Enclosure):
    """The processes of one child of a fork server.

    What the child says about itself is believed of nothing that can be seen from here: before it is told to go, namespaces,
    mounts, users, capabilities, the filter and the open descriptors of its two processes are looked at from outside.

    Args:
        walls: what the sandbox looks like; none of them may be down.
        server: the server; alive.
        group_limits: what its control group allows, where there is one; None: what ``walls`` allow.
    """

    def __init__(self, walls: Walls, server: Server, group_limits: Limits | None = None) -> None:
        super().__init__(walls, group_limits)
        if walls.demolished:
            raise SandboxFault(f"walls ({', '.join(sorted(walls.demolished))}) are down; a forked sandbox has them all: use a fresh one")
        if walls.data != server.walls.data:
            raise SandboxFault("the fork server shows other data files than this run may see; start one that shows the same")
        self._server = server
        self._reply: socket.socket | None = None
        self._status: int | None = None
        self._judge: str | None = None
        self._begun = False
        self.init_pid = 0
        self.namespaces: dict[str, int] = {}

    def start(self, argv: Sequence[str], files: Mapping[str, bytes]) -> None:
        """Have a child forked, look at it, and let it run a program; see ``Enclosure.start``.

        Raises:
            SandboxFault: the child could not be made, or is not what it must be.
        """
        self._begun = True
        self._reply, reply_far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The kernel then writes the sender's process id, in this process's numbers, beside every message.
        self._reply.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._reply.settimeout(START_S)
        pipes = [os.pipe() for _ in range(3)]
        (parcel_far, parcel), (out, out_far), (err, err_far) = pipes
        self._tails = [Tail(os.fdopen(out, "rb")), Tail(os.fdopen(err, "rb"))]
        try:
            try:
                self._server.fork([reply_far.fileno(), parcel_far, out_far, err_far])
            finally:
                reply_far.close()
                for descriptor in (parcel_far, out_far, err_far):
                    os.close(descriptor)
            overdue = threading.Timer(START_S, self._give_up)
            overdue.daemon = True
            overdue.start()
            try:
                with os.fdopen(parcel, "wb", buffering=0) as stream:
                    self._hand_parcel(argv, files, stream)
                    stream.write(GO)
            finally:
                overdue.cancel()
        except OSError as error:
            self.close()
            raise SandboxFault(f"the forked sandbox ended while it was looked at: {error}; use --fresh") from error
        except BaseException:
            self.close()
            raise

    def _give_up(self) -> None:
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _hand_parcel(self, argv: Sequence[str], files: Mapping[str, bytes], stream: Any) -> None:
        _, init = self._message()
        try:
            self._pidfd = os.pidfd_open(init)
        except ProcessLookupError:
            raise SandboxFault(self._why_not(None)) from None
        # Pid 1 of the namespace alone is not the student's.
        self._group = ControlGroup.make(self._group_limits, own_processes=1)
        if self._group is not None:
            self._group.admit(init)
        self._require_namespaces(init)
        plan = child_plan(self.walls, list(argv), self._show_judge())
        with contextlib.suppress(BrokenPipeError):
            # The reason is in its answer.
            for piece in pack(plan, files):
                while piece:
                    piece = piece[stream.write(piece) :]
        report, newborn = self._message()
        self._landlock_abi = report["landlock"]
        self._look_at(init, newborn)
        for folder in PRIVATE_FOLDERS:
            self._folders[folder] = os.open(f"/proc/{init}/root{folder}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        assert self._pidfd is not None
        # The number still meant that process: it is there.
        signal.pidfd_send_signal(self._pidfd, 0)

    def _message(self) -> tuple[dict[str, Any], int]:
        assert self._reply is not None
        try:
            said, more, _, _ = self._reply.recvmsg(_MESSAGE_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
        except TimeoutError:
            if self._pidfd is None:
                # It does not even fork: the next run gets another one.
                self._server.close()
            raise SandboxFault(self._why_not(f"no answer in {START_S:g} s")) from None
        report = json.loads(said) if said else {}
        if not report.get("ready", report.get("init", False)):
            raise SandboxFault(self._why_not(report.get("error")))
        return report, next(_CREDENTIALS.unpack(data)[0] for level, kind, data in more if kind == socket.SCM_CREDENTIALS)

    def _show_judge(self) -> str | None:
        if self.walls.judge_dir is None:
            return None
        self._judge = secrets.token_hex(8)
        identity = self.walls.identity
        try:
            self._server.admit(judge_socket(self.walls.judge_dir), self._judge, identity.uid if identity.becomes else None)
        except OSError as error:
            raise SandboxFault(f"the judge's socket cannot be shown to a forked sandbox: {error.strerror}; use --fresh") from error
        return self._judge

    def _require_namespaces(self, init_pid: int) -> None:
        super()._require_namespaces(init_pid)
        self.init_pid = init_pid
        self.namespaces = {kind: _namespace(init_pid, kind) for kind in NAMESPACES}
        for kind in (*NAMESPACES, *(["user"] if self.walls.identity.namespaced else [])):
            if _namespace(init_pid, kind) == _namespace(self._server.pid, kind):
                raise SandboxFault(f"the forked sandbox shares the fork server's {kind} namespace; use --fresh")

    def _look_at(self, init: int, newborn: int) -> None:
        """Refuse a child that is not what it must be, before any student code runs."""
        faults = [f"{kind} namespace of its own" for kind in NAMESPACES if _namespace(init, kind) != _namespace(newborn, kind)]
        for pid, name in ((init, "pid 1"), (newborn, "the kernel")):
            left = privileges_left(Path(f"/proc/{pid}/status").read_text())
            if self.walls.identity.namespaced:
                # Seen from here it is this process's own user, whoever that is.
                left = [each for each in left if not each.startswith(("Uid=", "Gid="))]
            faults += [f"{name}: {each}" for each in left]
            if len(os.listdir(f"/proc/{pid}/task")) != 1:
                faults.append(f"{name} has threads")
        # Standard input and output, and the socket on which it waits for the word to go.
        if len(os.listdir(f"/proc/{newborn}/fd")) != 4:
            faults.append(f"the kernel holds {len(os.listdir(f'/proc/{newborn}/fd'))} descriptors and not 4")
        own, servers = _mounts(newborn), _mounts(self._server.pid)
        faults += [f"{path} is the fork server's" for path in _OWN_MOUNTS if own.get(path) in (None, servers.get(path))]
        if os.listdir(f"/proc/{newborn}/root{JUDGES}"):
            faults.append("other judges are seen")
        if self.walls.judge_dir is not None:
            faults += self._look_at_judge(newborn)
        if faults:
            raise SandboxFault(f"the forked sandbox is not what it must be: {', '.join(faults)}; use --fresh")

    def _look_at_judge(self, newborn: int) -> list[str]:
        assert self.walls.judge_dir is not None
        seen, own = os.stat(f"/proc/{newborn}/root{JUDGE_SOCKET}"), os.stat(judge_socket(self.walls.judge_dir))
        return [] if (seen.st_dev, seen.st_ino) == (own.st_dev, own.st_ino) else ["another judge is seen"]

    def _why_not(self, error: str | None) -> str:
        self.kill()
        for tail in self._tails:
            tail.join()
        reason = error or self.standard_error().strip() or self._server.standard_error.strip() or "it ended without a word"
        return f"the forked sandbox could not be started: {reason}; {remedy(reason)}"

    @property
    def started(self) -> bool:
        return self._begun

    @property
    def uncharged(self) -> tuple[str, ...]:
        """Return pid 1: a copy of the warm server's pages, which the machine holds once."""
        return ("1",)

    @property
    def returncode(self) -> int | None:
        """Exit status as a shell tells it (128 + signal for a killed program); None while it runs."""
        if self._status is None and self._reply is not None:
            # A socket with a time limit would wait it out.
            self._reply.setblocking(False)
            try:
                said = self._reply.recv(_MESSAGE_BYTES)
            except BlockingIOError:
                return None
            except OSError:
                said = b""
            # Without a word it was killed, with all that was inside.
            self._status = json.loads(said).get("exit", _FAILED) if said else 128 + signal.SIGKILL
        return self._status

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the program to end; returns its exit status, or None when the time is over."""
        assert self._reply is not None
        if self._status is None:
            select.select([self._reply], [], [], timeout_s)
        return self.returncode

    def kill(self) -> None:
        """Kill every process inside, daemons included, and wait until none is left.

        Raises:
            SandboxFault: a process could not be killed (it hangs in the kernel).
        """
        with self._closing:
            if self._pidfd is not None:
                self._kill_namespace(self._pidfd)
                self._await_burial(self._pidfd)

    def _await_burial(self, pidfd: int) -> None:
        """Wait until pid 1 is no zombie any more either: the server's own pid 1 sees to that."""
        deadline = time.monotonic() + KILL_S
        while time.monotonic() < deadline:
            try:
                signal.pidfd_send_signal(pidfd, 0)
            except ProcessLookupError:
                return
            time.sleep(0.001)
        raise SandboxFault(f"pid 1 of the sandbox is still there {KILL_S:g} s after SIGKILL")

    def close(self) -> None:
        """Kill what is left and release every descriptor; what the program printed stays readable."""
        super().close()
        with self._closing:
            # Its status stays known.
            _ = self.returncode
            if self._reply is not None:
                self._reply.close()
                self._reply = None
            if self._judge is not None:
                self._server.dismiss(self._judge)
                self._judge = None


def _namespace(pid: int, kind: str) -> int:
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino


def _mounts(pid: int) -> dict[str, str]:
    """Return the device that is mounted on top of each mount point of a process."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    return {words[4]: words[2] for words in (line.split(" ") for line in lines)}
