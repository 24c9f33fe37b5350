"""How one case reaches the student's side and its answer comes back: over a socket, or by a call in the same process."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import torch

from vislab.check.calls import carry_out
from vislab.check.failures import CallFailed, failure_class
from vislab.wire.frames import Message, encode, receive, send_encoded
from vislab.wire.limits import DEFAULT_LIMITS, Limits, WireError


class UnsendableCase(ValueError):
    """A case whose inputs cannot travel: correct the exercise."""


class Exchange(Protocol):
    """Send one case, return the answer.

    Raises (of ``__call__``):
        UnsendableCase: the case itself breaks the format.
        TimeoutError: no complete answer within ``timeout_s``.
        WireClosed: the student's side went away.
        WireError: what came back breaks the format.
    """

    def __call__(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], timeout_s: float) -> Message: ...


class SocketExchange:
    """Exchange over a connected stream socket."""

    def __init__(self, sock: socket.socket, limits: Limits = DEFAULT_LIMITS) -> None:
        self._sock = sock
        self._limits = limits

    def __call__(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], timeout_s: float) -> Message:
        try:
            frame = encode(header, tensors)
        except WireError as error:
            # an input that the wire does not carry is the exercise's fault, and must not pass for a malformed answer.
            raise UnsendableCase(str(error)) from error
        if len(frame) > DEFAULT_LIMITS.body_bytes:
            raise UnsendableCase(f"{len(frame)} bytes exceed what the student's side takes, {DEFAULT_LIMITS.body_bytes} bytes")
        deadline_s = time.monotonic() + timeout_s
        # sending is bounded, too: a client that never reads fills the socket's buffer.
        self._sock.settimeout(timeout_s)
        send_encoded(self._sock, frame)
        return receive(self._sock, self._limits, deadline_s)


class LocalExchange:
    """Exchange with an answer in this very process: for authors' own code in the audit, never for a submission.

    Args:
        answer: function, module class or kernel.
        extras: what a check cell hands in beside it.
    """

    def __init__(self, answer: Any, extras: Mapping[str, Any]) -> None:
        self._answer = answer
        self._extras = extras

    def __call__(self, header: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], timeout_s: float) -> Message:
        identity = header["id"]
        try:
            with _alarm(timeout_s):
                given = carry_out(header, tensors, self._answer, self._extras)
        except _OutOfTime:
            raise TimeoutError("the call did not end in time") from None
        except CallFailed as failure:
            error = failure_class(failure.original)
            return Message({"type": "failure", "id": identity, "stage": failure.stage, "error": error, "observed": failure.observed})
        header = {"type": "answer", "id": identity, "outputs": given.outputs, "gradients": given.gradients, "observed": given.observed}
        return Message(header, given.tensors)


class _OutOfTime(KeyboardInterrupt):
    """Passes through the student's side like an interrupt."""


@contextmanager
def _alarm(timeout_s: float) -> Iterator[None]:
    # signals reach the main thread only; elsewhere an author's endless loop is the author's to stop.
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(signum: int, frame: object) -> None:
        raise _OutOfTime

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
