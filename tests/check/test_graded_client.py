"""The student's end of the socket, opposite a scripted judge."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from call_plans import function_plan

from vislab.check import check
from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.failures import Tripped
from vislab.wire.frames import Message, receive, send
from vislab.wire.limits import WireClosed

Script = Callable[[socket.socket], None]


class ScriptedJudge:
    """Accepts one connection, reads the greeting and follows a script; keeps what the client said."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "judge.sock"
        self.heard: list[Message] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(1)
        self._thread: threading.Thread | None = None

    def play(self, script: Script) -> None:
        def serve() -> None:
            connection, _ = self._listener.accept()
            with connection:
                self.hear(connection)
                script(connection)

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    def hear(self, connection: socket.socket) -> None:
        self.heard.append(receive(connection, deadline_s=time.monotonic() + 10))

    def end(self) -> None:
        if self._thread is not None:
            self._thread.join(timeout=10)
            assert not self._thread.is_alive()
        self._listener.close()


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedJudge]:
    made = ScriptedJudge(tmp_path)
    monkeypatch.setenv(JUDGE_VARIABLE, str(made.path))
    yield made
    made.end()


def asks(judge: ScriptedJudge, *plans: tuple[dict[str, Any], dict[str, torch.Tensor]]) -> Script:
    def script(connection: socket.socket) -> None:
        for number, (plan, tensors) in enumerate(plans):
            send(connection, {"type": "case", "id": number, **plan}, tensors)
            judge.hear(connection)
        send(connection, {"type": "done"})

    return script


def test_answers_go_back_case_by_case(judge: ScriptedJudge, capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.tensor([1.0, 2.0])
    judge.play(asks(judge, function_plan(x), function_plan(x, cotangents=(torch.ones(2),), wrt=(0,))))
    assert check("toy.scale", lambda v: 2 * v) is None
    # the student learns that the answer was taken, and nothing about it.
    assert capsys.readouterr().out == "toy.scale: recorded.\n"
    greeting, first, second = judge.heard
    assert greeting.header == {"type": "check", "version": 1, "exercise": "toy.scale"}
    said = {"kind": "tensor", "dtype": "torch.float32", "layout": "torch.strided", "device": "cpu", "sent": True}
    clean = {"mutated": [], "rng_moved": False, "forbidden": [], "tripped": []}
    assert first.header == {"type": "answer", "id": 0, "outputs": [said], "gradients": [], "observed": clean}
    assert torch.equal(first.tensors["out.0"], 2 * x)
    assert second.header["gradients"] == [{"of": 0, "kind": "tensor"}] and torch.equal(second.tensors["grad.0"], torch.full((2,), 2.0))


@pytest.mark.parametrize(
    ("error", "name"),
    [(ValueError, "ValueError"), (NotImplementedError, "NotImplementedError"), (SystemExit, "SystemExit"), (Tripped, "Tripped")],
)
def test_a_failure_is_told_by_its_class_and_the_next_case_follows(judge: ScriptedJudge, error: type[BaseException], name: str) -> None:
    def answer(x):
        if float(x[0]) < 0:
            raise error("with words that stay here")
        return x

    judge.play(asks(judge, function_plan(torch.tensor([-1.0])), function_plan(torch.tensor([1.0]))))
    check("toy.scale", answer)
    _, first, second = judge.heard
    clean = {"mutated": [], "rng_moved": False, "forbidden": [], "tripped": []}
    assert first.header == {"type": "failure", "id": 0, "stage": "call", "error": name, "observed": clean}
    assert second.type == "answer"


def test_a_refusal_is_printed(judge: ScriptedJudge, capsys: pytest.CaptureFixture[str]) -> None:
    judge.play(lambda connection: send(connection, {"type": "refused", "reason": "this check has been answered"}))
    assert check("toy.scale", lambda x: x) is None
    assert capsys.readouterr().out == "toy.scale: not recorded: this check has been answered\n"


def test_an_interrupt_leaves_and_closes_the_connection(judge: ScriptedJudge) -> None:
    seen: list[type[BaseException]] = []

    def script(connection: socket.socket) -> None:
        plan, tensors = function_plan(torch.ones(1))
        send(connection, {"type": "case", "id": 0, **plan}, tensors)
        try:
            judge.hear(connection)
        except WireClosed as error:
            seen.append(type(error))

    def answer(x):
        raise KeyboardInterrupt

    judge.play(script)
    with pytest.raises(KeyboardInterrupt):
        check("toy.scale", answer)
    judge.end()
    assert seen == [WireClosed]


def test_a_judge_that_leaves_ends_the_check(judge: ScriptedJudge) -> None:
    judge.play(lambda connection: None)
    with pytest.raises(WireClosed):
        check("toy.scale", lambda x: x)
