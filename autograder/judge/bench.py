"""Where implementations run that a student's test calls: authors' code, but on inputs that a hostile student chooses.

A process of its own loads them once. For every trial it forks a child that answers the calls of that trial and ends with it, under limits
of CPU time and memory: an input that hangs, swells or crashes an implementation costs that trial, and not the judge.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
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
        self._words = [str(exercise.implementations.folder), exercise.name, str(trial_cpu_s), str(memory_mib)]
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._gone: Reply | None = None

    def __enter__(self) -> ProcessBench:
        self._start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    def begin(self, key: str) -> None:
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

    def call(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Reply:
        if self._gone is None:
            reply = self._called(header, tensors)
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
        except (WireError, WireClosed, TimeoutError, OSError):
            self._stop()

    def _called(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Reply:
        if self._sock is None:
            return _lost("crash")
        try:
            self._sock.settimeout(CALL_WALL_S)
            send(self._sock, {"type": "call", "args": header.get("args"), "kwargs": header.get("kwargs")}, tensors)
            message = receive(self._sock, CALL_LIMITS, time.monotonic() + CALL_WALL_S)
        except TimeoutError:
            self._stop()
            return _lost("time")
        except (WireError, WireClosed, OSError):
            # killed in the middle of a frame: the connection is out of step.
            self._stop()
            return _lost("crash")
        if message.type == "gone":
            return _lost("time" if message.header.get("signal") in (signal.SIGXCPU, signal.SIGKILL) else "crash")
        return _reply(message)

    def _start(self) -> None:
        self._stop()
        ours, theirs = socket.socketpair()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "TRITON_INTERPRET": "1",
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
        try:
            greeting = receive(ours, CALL_LIMITS, time.monotonic() + START_S)
        except (WireError, WireClosed, TimeoutError, OSError) as error:
            self._stop()
            raise BenchFault(f"the implementations of {self._words[1]} could not be loaded: {type(error).__name__}: {error}") from error
        if greeting.type != "ready":
            self._stop()
            raise BenchFault(f"the implementations of {self._words[1]} could not be loaded: {greeting.header.get('text')}")

    def _stop(self) -> None:
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


def _reply(message: Message) -> Reply:
    return Reply(
        {key: value for key, value in message.header.items() if key != "limit"}, message.tensors, str(message.header.get("limit", ""))
    )


def _lost(limit: str) -> Reply:
    return Reply({"type": "raised", "error": "TimeoutError" if limit == "time" else "RuntimeError"}, {}, limit)
