"""A judge on a real Unix socket, and what tests need to speak with it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from judged_exercises import EXERCISES, Double

from autograder.exercise.seeds import SeedSource
from autograder.judge.records import CheckRecord
from autograder.judge.server import Judge
from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.verdict import Verdict
from vislab.wire.frames import Message, receive, send

NAMES = [case.name for case in Double().cases()]
# only a hang takes this long: nothing is measured by it.
HANG_S = 60.0
GREETING = {"type": "check", "version": 1, "exercise": "toy.double"}


@contextmanager
def serving(seeds: SeedSource, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Iterator[Judge]:
    """A judge that leaves neither thread nor file behind."""
    with Judge(EXERCISES, seeds, folder, **{"case_s": 5.0, **more}) as made:
        monkeypatch.setenv(JUDGE_VARIABLE, str(made.path))
        yield made
    assert not made.path.exists()
    assert "judge" not in {thread.name for thread in threading.enumerate()}


def connect(judge: Judge) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(HANG_S)
    sock.connect(str(judge.path))
    return sock


def hear(sock: socket.socket) -> Message:
    return receive(sock, deadline_s=time.monotonic() + HANG_S)


def verdicts(record: CheckRecord) -> dict[str, Verdict]:
    return {case.name: case.verdict for case in record.cases}


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Run a client in a thread that has ended when the block has; collects its result."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield result
    thread.join(timeout=HANG_S)
    assert not thread.is_alive()


def in_time(work: Callable[[], Any], limit_s: float = HANG_S) -> Any:
    """The result of ``work``, which must not hang."""
    with beside(work) as result:
        until = time.monotonic() + limit_s
        while not result and time.monotonic() < until:
            time.sleep(0.01)
        assert result, f"still waiting after {limit_s} s"
    return result[0]


def after(count: int, judge: Judge, act: Callable[[socket.socket, Message], None]) -> None:
    """Answer ``count`` cases rightly, then do something else."""
    with connect(judge) as sock:
        send(sock, GREETING)
        for _ in range(count):
            case = hear(sock)
            x = case.tensors["in.0"]
            tensors = {"out.0": 2 * x}
            if case.header["cotangents"]:
                tensors["grad.0"] = 2 * case.tensors["cot.0"]
            send(sock, {"type": "answer", "id": case.header["id"], "outputs": [{}], "gradients": [], "observed": {}}, tensors)
        act(sock, hear(sock))
