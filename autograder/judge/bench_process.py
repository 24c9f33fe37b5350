"""The process in which implementations run: ``python -m autograder.judge.bench_process FD FOLDER CPU_S MEMORY_MIB``.

It loads the implementations of each exercise that it is asked for once, says so, and forks for each trial. The child speaks with the judge
on the same socket until the trial's end, while this process waits for it; so there is one reader at a time. No call is carried out here.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from autograder.exercise.assignment import load_assignment
from autograder.judge.bench_call import perform
from vislab.check.crossing import pack_call
from vislab.check.suite import CALL_LIMITS
from vislab.wire.frames import receive, send
from vislab.wire.limits import WireClosed, WireError


def main(descriptor: int, folder: str, cpu_s: int, memory_mib: int) -> None:
    """Serve trials until the judge closes the connection."""
    # one thread: threads do not survive a fork, and theirs may hold locks.
    torch.set_num_threads(1)
    sock = socket.socket(fileno=descriptor)
    loaded: dict[str, dict[str, Callable[..., Any]]] = {}
    known: dict[str, Callable[..., Any]] = {}
    while True:
        try:
            message = receive(sock, CALL_LIMITS)
        except (WireClosed, WireError):
            return
        if message.type == "open":
            name = str(message.header["exercise"])
            try:
                if name not in loaded:
                    loaded[name] = load(folder, name)
            except Exception as error:
                send(sock, {"type": "fault", "text": f"{type(error).__name__}: {error}"})
                return
            known = loaded[name]
            send(sock, {"type": "ready"})
        if message.type != "begin":
            continue
        child = os.fork()
        if child == 0:
            _serve_trial(sock, known[str(message.header["key"])], cpu_s, memory_mib)
        _, status = os.waitpid(child, 0)
        try:
            send(sock, {"type": "gone", "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0})
        except OSError:
            return


def load(folder: str, name: str) -> dict[str, Callable[..., Any]]:
    """Return the implementations of an exercise by key, and see to it that a fork of this process copies little of it."""
    implementations = load_assignment(Path(folder)).exercises[name].implementations
    known = {key: implementations.load(key) for key in implementations.keys}
    warm_up()
    gc.collect()
    # a collection in a child would copy every page that it looks at.
    gc.freeze()
    return known


def warm_up() -> None:
    """Send one call over the wire and back and carry it out: what is imported and set up with the first one, every child has then."""
    near, far = socket.socketpair()
    with near, far:
        header, tensors = pack_call((torch.zeros(2, 3),), {"scale": 1.0})
        send(near, {"type": "call", **header}, tensors)
        message = receive(far, CALL_LIMITS)
        reply = perform(lambda rows, scale: (rows * scale).sum(), message.header, message.tensors)
        send(far, reply.header, reply.tensors)
        receive(near, CALL_LIMITS)


def _serve_trial(sock: socket.socket, implementation: Callable[..., Any], cpu_s: int, memory_mib: int) -> None:
    """Answer calls until the end of the trial; never returns."""
    try:
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mib << 20, memory_mib << 20))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        # one, not zero: zero still starts the machine's crash handler where core_pattern is a pipe.
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
        while True:
            message = receive(sock, CALL_LIMITS)
            if message.type != "call":
                os._exit(0)
            reply = perform(implementation, message.header, message.tensors)
            send(sock, reply.header, reply.tensors)
    except BaseException:
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
