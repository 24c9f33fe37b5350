"""Exchange with an answer in this process: the same words as over a socket, and an end to endless loops."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest
import torch
from judged_exercises import Double, double

from autograder.exercise.plan import make_plan
from autograder.judge.exchange import LocalExchange


def case() -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    first = Double().cases()[0]
    plan = make_plan(Double(), first, first.inputs(b"\x01" * 32), None, 1)
    return {"type": "case", "id": 7, **plan.header}, plan.tensors


def test_an_answer_speaks_as_the_client_does() -> None:
    header, tensors = case()
    message = LocalExchange(double, {})(header, tensors, 5)
    assert message.header.keys() == {"type", "id", "outputs", "gradients", "observed"} and message.header["id"] == 7
    assert torch.equal(message.tensors["out.0"], 2 * tensors["in.0"])


def test_a_failure_speaks_as_the_client_does() -> None:
    def broken(x):
        raise ValueError

    header, tensors = case()
    message = LocalExchange(broken, {})(header, tensors, 5)
    assert message.header.keys() == {"type", "id", "stage", "error", "observed"}
    assert (message.type, message.header["stage"], message.header["error"]) == ("failure", "call", "ValueError")


def test_an_endless_loop_is_ended() -> None:
    def endless(x):
        while True:
            try:
                while True:
                    pass
            except Exception:
                continue

    header, tensors = case()
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TimeoutError, match="the call did not end in time"):
        LocalExchange(endless, {})(header, tensors, 0.2)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert LocalExchange(double, {})(header, tensors, 5).type == "answer"


def test_outside_the_main_thread_no_signal_is_set() -> None:
    header, tensors = case()
    found: list[str] = []
    worker = threading.Thread(target=lambda: found.append(LocalExchange(double, {})(header, tensors, 5).type))
    worker.start()
    worker.join(10)
    assert found == ["answer"]
