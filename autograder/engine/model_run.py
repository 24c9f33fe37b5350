"""Run a submitted model in a process of its own: behind the walls of a submission, without a kernel and without student code."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

from autograder.judge.exchange import Exchange, SocketExchange
from autograder.sandbox.alone import Alone
from autograder.sandbox.environment import kernel_variables
from autograder.sandbox.home import vislab_folder
from autograder.sandbox.limits import Limits

PROGRAM = Path(__file__).with_name("model_program.py")
START_S = 120.0
POLL_S = 0.5


class ModelProcessFault(RuntimeError):
    """The process that runs a model did not come up: a fault of ours."""


def model_opener(limits: Limits, walls: bool) -> Callable[[bytes], AbstractContextManager[Exchange]]:
    """Return how a model is run: behind walls, or as a plain process where somebody typed out that there are to be none."""
    return partial(_walled, limits) if walls else _plain


@contextmanager
def _walled(limits: Limits, content: bytes) -> Iterator[Exchange]:
    with _listening() as (listener, folder), Alone(PROGRAM, {"weights": content}, folder, limits) as process:
        with _accepted(listener, lambda: process.poll() is not None) as connection:
            yield SocketExchange(connection)


@contextmanager
def _plain(content: bytes) -> Iterator[Exchange]:
    with _listening() as (listener, folder), tempfile.TemporaryDirectory(prefix="vm-") as home:
        weights = Path(home) / "weights"
        weights.write_bytes(content)
        address = str(folder / "judge.sock")
        packages = str(vislab_folder().parent)
        variables = kernel_variables(home=home, temporary=home, packages=packages, programs="/usr/bin:/bin", judge_socket=address)
        process = subprocess.Popen([sys.executable, "-P", "-s", str(PROGRAM), str(weights)], env=variables, cwd=home)
        try:
            with _accepted(listener, lambda: process.poll() is not None) as connection:
                yield SocketExchange(connection)
        finally:
            process.kill()
            process.wait()


@contextmanager
def _listening() -> Iterator[tuple[socket.socket, Path]]:
    # a short path: a Unix socket's may hold 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="vm-"))
    try:
        folder.chmod(0o711)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(folder / "judge.sock"))
            (folder / "judge.sock").chmod(0o666)
            listener.listen(1)
            yield listener, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _accepted(listener: socket.socket, died: Callable[[], bool]) -> socket.socket:
    deadline_s = time.monotonic() + START_S
    listener.settimeout(POLL_S)
    while True:
        try:
            return listener.accept()[0]
        except TimeoutError:
            # the weights have not been looked at yet: whatever keeps the process from coming is no student's doing.
            if died() or time.monotonic() > deadline_s:
                raise ModelProcessFault("the process that runs a submitted model did not start") from None
