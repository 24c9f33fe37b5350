"""The process in which implementations run: ``python -m autograder.judge.bench_process FD FOLDER EXERCISE CPU_S MEMORY_MIB``.

It loads everything once, says so, and forks for each trial. The child speaks with the judge on the same socket until the trial's end, while
this process waits for it; so there is one reader at a time.
"""

from __future__ import annotations

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
from vislab.check.suite import CALL_LIMITS
from vislab.wire.frames import receive, send
from vislab.wire.limits import WireClosed, WireError


def main(descriptor: int, folder: str, name: str, cpu_s: int, memory_mib: int) -> None:
    """Serve trials until the judge closes the connection."""
    # one thread: threads do not survive a fork, and theirs may hold locks.
    torch.set_num_threads(1)
    sock = socket.socket(fileno=descriptor)
    try:
        implementations = load_assignment(Path(folder)).exercises[name].implementations
        known = {key: implementations.load(key) for key in implementations.keys}
    except Exception as error:
        send(sock, {"type": "fault", "text": f"{type(error).__name__}: {error}"})
        return
    send(sock, {"type": "ready"})
    while True:
        try:
            message = receive(sock, CALL_LIMITS)
        except (WireClosed, WireError):
            return
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
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
