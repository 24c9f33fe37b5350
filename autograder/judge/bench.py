"""Where implementations run that a student's test calls: authors' code, but on inputs that a hostile student chooses.

A process of its own loads them once. For every trial it forks a child that answers the calls of that trial and ends with it, under limits
of CPU time and memory: an input that hangs, swells or crashes an implementation costs that trial, and not the judge.

Starting that process takes longer than all trials of a test, so a grading process keeps the last one that nothing went wrong with. It holds
authors' code and has called none of it: whatever an input does is done to a child, and ends with it.
"""

from __future__ import annotations

import atexit
import contextlib
import copy
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from autograder.exercise.exercise import Exercise
from autograder.judge.bench_call import perform
from vislab.check.suite import CALL_LIMITS
from vislab.wire.frames import Message, receive, send
from vislab.wire.limits import WireClosed, WireError

REPOSITORY = Path(__file__).resolve().parents[2]
START_S = 120.0
# the limit is of CPU time; this is the net below it, for a machine that is asleep or overloaded.
CALL_WALL_S = 120.0


class BenchFault(RuntimeError):
    """The implementations cannot be run at all: a fault of ours."""


@dataclass(frozen=True)
class Reply:
    """What a call of an implementation gave.

    Args:
        header: ``{"type": "returned", "value": VALUE}``, ``{"type": "raised", "error": CLASS}`` or ``{"type": "malformed"}``.
        tensors: of the value.
        limit: which limit the call exceeded: "time", "memory", "output", or "crash"; empty for none.
    """

    header: dict[str, Any]
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    limit: str = ""


class Bench(Protocol):
    """Answers calls, one trial after another."""

    def begin(self, key: str) -> None:
        """Put an implementation on the bench."""

    def call(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Reply:
        """Call it."""

    def end(self) -> None:
        """Take it off."""


class LocalBench:
    """Implementations in this very process: for authors' own tests in the audit, never for a submission."""

    def __init__(self, exercise: Exercise) -> None:
        self._load = exercise.implementations.load
        self._known: dict[str, Callable[..., Any]] = {}
        self._current: Callable[..., Any] | None = None

    def begin(self, key: str) -> None:
        if key not in self._known:
            self._known[key] = self._load(key)
        self._current = self._known[key]

    def call(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Reply:
        assert self._current is not None
        return _reply(perform(self._current, header, tensors))

    def end(self) -> None:
        self._current = None


class ProcessBench:
    """Implementations in a process of their own; a context manager.

    Args:
        exercise: of an assignment on disk.
        trial_cpu_s: CPU time of all calls of one trial.
        memory_mib: data of one trial's process.

    Raises:
        BenchFault: (on entering) the implementations could not be loaded.
    """

    def __init__(self, exercise: Exercise, trial_cpu_s: int = 10, memory_mib: int = 2048) -> None:
        self.folder = exercise.implementations.folder
        self._exercise = exercise.name
        self._words = [str(self.folder), str(trial_cpu_s), str(memory_mib)]
        self._failed = self._busy = self._over = False
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._gone: Reply | None = None

    def __enter__(self) -> ProcessBench:
        self._start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def sound(self) -> bool:
        """Tell whether its process is there, no trial is going on in it and none has ever gone wrong."""
        there = self._sock is not None and self._process is not None and self._process.poll() is None
        return there and not self._failed and not self._busy

    @property
    def pid(self) -> int | None:
        """Return its process's number; None while there is none."""
        return self._process.pid if self._process is not None else None

    def handed_on(self) -> ProcessBench:
        """Return a bench that has this one's process; whoever still holds this one can begin nothing more on it."""
        successor = copy.copy(self)
        self._sock = self._process = None
        self._over = True
        return successor

    def turn_to(self, exercise: Exercise) -> None:
        """Load the implementations of another exercise of the same assignment.

        Raises:
            BenchFault: they could not be loaded.
        """
        self._exercise = exercise.name
        self._load()

    def begin(self, key: str) -> None:
        if self._over:
            raise BenchFault("this bench has been given back; borrow one again")
        if self._sock is None:
            self._start()
        assert self._sock is not None
        self._gone = None
        try:
            send(self._sock, {"type": "begin", "key": key})
        except OSError:
            # it ended between two trials, by whatever hand: once is no fault yet.
            self._start()
            send(self._sock, {"type": "begin", "key": key})
        self._busy = True

    def call(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Reply:
        if self._gone is None:
            reply = self._called(header, tensors)
            self._failed |= bool(reply.limit)
            if reply.limit not in ("time", "crash"):
                return reply
            self._gone = reply
        return self._gone

    def end(self) -> None:
        if self._gone is not None or self._sock is None:
            return
        try:
            send(self._sock, {"type": "end"})
            while receive(self._sock, CALL_LIMITS, time.monotonic() + CALL_WALL_S).type != "gone":
                pass
            self._busy = False
        except (WireError, WireClosed, TimeoutError, OSError):
            self.stop()

    def _called(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Reply:
        if self._sock is None:
            return _lost("crash")
        try:
            self._sock.settimeout(CALL_WALL_S)
            send(self._sock, {"type": "call", "args": header.get("args"), "kwargs": header.get("kwargs")}, tensors)
            message = receive(self._sock, CALL_LIMITS, time.monotonic() + CALL_WALL_S)
        except TimeoutError:
            self.stop()
            return _lost("time")
        except (WireError, WireClosed, OSError):
            # killed in the middle of a frame: the connection is out of step.
            self.stop()
            return _lost("crash")
        if message.type == "gone":
            return _lost("time" if message.header.get("signal") in (signal.SIGXCPU, signal.SIGKILL) else "crash")
        return _reply(message)

    def _start(self) -> None:
        self.stop()
        ours, theirs = socket.socketpair()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "TRITON_INTERPRET": "1",
            # Large pages for what is allocated: most of what a fork costs is to copy, and to give up again, the list of small ones.
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        }
        command = [sys.executable, "-P", "-m", "autograder.judge.bench_process", str(theirs.fileno()), *self._words]
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        self._sock = ours
        self._failed = self._busy = False
        self._load()

    def _load(self) -> None:
        try:
            if self._sock is None:
                raise WireClosed
            send(self._sock, {"type": "open", "exercise": self._exercise})
            greeting = receive(self._sock, CALL_LIMITS, time.monotonic() + START_S)
        except (WireError, WireClosed, TimeoutError, OSError) as error:
            self.stop()
            raise BenchFault(f"the implementations of {self._exercise} could not be loaded: {type(error).__name__}: {error}") from error
        if greeting.type != "ready":
            self.stop()
            raise BenchFault(f"the implementations of {self._exercise} could not be loaded: {greeting.header.get('text')}")

    def stop(self) -> None:
        """End its process."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def lent_bench(exercise: Exercise) -> Iterator[ProcessBench]:
    """Lend a bench: the one that this process keeps, where it is of the same assignment in the same state, or a new one.

    It is kept again afterwards where no trial went wrong in it; one at a time is kept.

    Raises:
        BenchFault: the implementations could not be loaded.
    """
    state = (os.getpid(), _state_of(exercise.implementations.folder))
    with _keeping:
        kept = _kept.pop() if _kept else None
    bench = kept[1] if kept is not None and kept[0] == state and kept[1].sound else None
    if kept is not None and bench is None and kept[0][0] == os.getpid():
        kept[1].stop()
    if bench is None:
        bench = ProcessBench(exercise).__enter__()
    else:
        bench.turn_to(exercise)
    try:
        yield bench
    except BaseException:
        bench.stop()
        raise
    with _keeping:
        if bench.sound and not _kept:
            _kept.append((state, bench.handed_on()))
            return
    bench.stop()


# (process, state of the assignment's files), and the bench; a fork of this process has the object, and not the right to its socket.
_State = tuple[int, tuple[tuple[str, int, int], ...]]
_kept: list[tuple[_State, ProcessBench]] = []
_keeping = threading.Lock()


def _state_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = ((path, path.stat()) for path in sorted(folder.rglob("*.py")))
    return tuple((str(path), status.st_mtime_ns, status.st_size) for path, status in found)


def end_benches() -> None:
    """End the bench that this process keeps."""
    with _keeping:
        for state, bench in _kept:
            if state[0] == os.getpid():
                bench.stop()
        _kept.clear()


atexit.register(end_benches)


def _reply(message: Message) -> Reply:
    return Reply(
        {key: value for key, value in message.header.items() if key != "limit"}, message.tensors, str(message.header.get("limit", ""))
    )


def _lost(limit: str) -> Reply:
    return Reply({"type": "raised", "error": "TimeoutError" if limit == "time" else "RuntimeError"}, {}, limit)
