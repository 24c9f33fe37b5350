"""A fork server as one would write it first: it forks a child a submission, kills its process group afterwards, and walls off nothing.

The attacks of ``test_sandbox_fork_attacks.py`` are seen to succeed here; it is started as ``python naive_fork_server.py SOCKET_PATH LOG``.
"""

from __future__ import annotations

import mmap
import os
import signal
import socket

# Warm, like the real one.
import string  # noqa: F401
import sys

import numpy.random  # noqa: F401

# What a pool or a counter would have made.
SHARED = mmap.mmap(-1, mmap.PAGESIZE)
# For its log, one day.
RAN: list[bytes] = []


def main(path: str, log: str) -> None:
    """Run what arrives, one submission a connection; ``!`` before it runs it without a fork, as a server without forks would."""
    with socket.socket(socket.AF_UNIX) as listener, open(log, "a+") as notes:
        listener.bind(path)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            code = b""
            while chunk := connection.recv(1 << 16):
                code += chunk
            RAN.append(code)
            notes.write(f"{len(code)} bytes\n")
            if code.startswith(b"!"):
                run(code[1:], connection)
                connection.close()
                continue
            child = os.fork()
            if child == 0:
                os.setsid()
                run(code, connection)
                os._exit(0)
            connection.close()
            os.waitpid(child, 0)
            try:
                os.killpg(child, signal.SIGKILL)
            except ProcessLookupError:
                continue


def run(code: bytes, connection: socket.socket) -> None:
    """Run a submission; what it prints goes to its connection."""
    with connection.makefile("w") as sys.stdout:
        try:
            exec(code, {"__name__": "__main__"})
        except Exception as error:
            print(type(error).__name__, error)
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
