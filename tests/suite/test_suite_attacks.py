"""Tests that try to learn what stands behind ``impl`` by anything but testing: none may gain."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from students_tests import Impl, generic, honest

from autograder.exercise.exercise import Exercise
from autograder.exercise.seeds import SeedSource
from autograder.judge.bench import LocalBench
from autograder.judge.exchange import SocketExchange
from autograder.judge.records import CheckRecord
from autograder.judge.scoring import score
from autograder.judge.test_suite import SuiteSession, trials
from vislab.check.suite import CALL_LIMITS
from vislab.check.verdict import Verdict
from vislab.wire.frames import Message, receive, send
from vislab.wire.limits import WireClosed


class Voter:
    """Remembers every answer to one input and fails what differs from what most have answered so far."""

    def __init__(self) -> None:
        self.rows = torch.arange(12.0).reshape(3, 4) ** 1.5
        self.seen: list[torch.Tensor] = []

    def __call__(self, impl: Impl) -> None:
        answer = impl(self.rows)
        alike = [sum(torch.allclose(one, other, atol=1e-4) for other in self.seen) for one in self.seen]
        # most of what there is to know is known by then.
        self.seen = [*self.seen, answer][:24]
        if alike and max(alike) >= 2:
            leader = self.seen[alike.index(max(alike))]
            assert torch.allclose(answer, leader, atol=1e-4)


def test_a_vote_among_the_implementations_earns_nothing(points: Callable[..., float], seeds: SeedSource) -> None:
    for i in range(3):
        assert points(Voter(), SeedSource(seeds.secret, f"{i:064x}")) == 0.0


def test_the_voter_would_win_if_all_came_in_one_shuffled_row(
    exercise: Exercise, seeds: SeedSource, points: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: without the first round's order, and judged by the last appearance, a vote earns points."""
    ordered = trials

    def late(exercise: Exercise, seeds: SeedSource, number: int = 0) -> list:
        found = ordered(exercise, seeds, number)
        right = [trial for trial in found if trial.case is None]
        return [*right, *(trial for trial in found if trial.case is not None)]

    monkeypatch.setattr("autograder.judge.test_suite.trials", late)
    assert points(Voter(), seeds) > 1.0


def test_a_coin_earns_nothing_worth_a_throw(points: Callable[..., float], seeds: SeedSource) -> None:
    earned = []
    for i in range(12):
        generator = random.Random(i)

        def coin(impl: Impl, generator: random.Random = generator) -> None:
            impl(torch.zeros(1, 1))
            assert generator.random() > 0.3

        earned.append(points(coin, SeedSource(seeds.secret, f"{i:064x}")))
    assert sum(earned) / len(earned) < 0.05 * 3.0


def test_a_guess_at_the_first_round_does_not_survive_two_kernels(points: Callable[..., float], seeds: SeedSource) -> None:
    """Passes the one at a fixed place of the first round and what answers like it later; right by chance in one kernel of eight."""

    class Guess(Voter):
        place = 3

        def __call__(self, impl: Impl) -> None:
            self.seen.append(impl(self.rows))
            number = (len(self.seen) - 1) % 30
            if number < 8:
                assert number == self.place
            else:
                assert torch.allclose(self.seen[-1], self.seen[len(self.seen) - 1 - number + self.place], atol=1e-4)

    earned = [points(Guess(), SeedSource(seeds.secret, f"{i:064x}")) for i in range(4)]
    assert earned == [0.0] * 4


def test_the_identity_of_impl_says_nothing(points: Callable[..., float]) -> None:
    """Every trial has its own object, and none of its attributes differs between two implementations."""
    seen: list[tuple[Any, ...]] = []

    def nosy(impl: Any) -> None:
        state = {name: value for name, value in vars(impl).items() if not callable(value)}
        cells = [cell.cell_contents for cell in impl._exchange.__closure__ or ()]
        seen.append((type(impl).__name__, str(state), [value for value in cells if isinstance(value, (str, dict))]))

    assert points(nosy) == 0.0
    assert len(seen) > 20 and all(each == seen[0] for each in seen)


def speak(exercise: Exercise, seeds: SeedSource, act: Callable[[socket.socket, Message], bool], case_s: float = 5.0) -> CheckRecord:
    """Judge a client that answers each trial by ``act``, which returns whether to go on."""
    ours, theirs = socket.socketpair()

    def client() -> None:
        with theirs:
            try:
                while (message := receive(theirs)).type == "case" and act(theirs, message):
                    pass
            except (WireClosed, OSError):
                return

    thread = threading.Thread(target=client, daemon=True)
    thread.start()
    with ours:
        record = SuiteSession(exercise, seeds, case_s, LocalBench(exercise), step_s=0.0).run(SocketExchange(ours, CALL_LIMITS))
    thread.join(10)
    assert not thread.is_alive()
    return record


def answer(sock: socket.socket, message: Message, failed: object, **more: object) -> None:
    send(sock, {"type": "answer", "id": message.header["id"], "failed": failed, "error": "AssertionError", **more})


def call(sock: socket.socket, identity: int, **more: object) -> None:
    header = {"type": "call", "id": identity, "args": [{"tensor": "x", "stride": None}], "kwargs": {}, **more}
    send(sock, header, {"x": torch.ones(2, 2)})


def nested(depth: int) -> dict[str, Any]:
    return {"items": [nested(depth - 1)] if depth else [], "tuple": False}


FORGERIES: dict[str, tuple[Callable[[socket.socket, Message], bool], Verdict]] = {
    "all are failed without a call": (lambda s, m: answer(s, m, True) or True, Verdict.WRONG_VALUE),
    "all pass without a call": (lambda s, m: answer(s, m, False) or True, Verdict.WRONG_VALUE),
    "a verdict that is no truth value": (lambda s, m: answer(s, m, 1) or True, Verdict.RUNTIME_ERROR),
    "another trial's number": (lambda s, m: answer(s, m, True, id=m.header["id"] + 1) or True, Verdict.RUNTIME_ERROR),
    "the judge's own words": (lambda s, m: send(s, {"type": "returned", "id": m.header["id"], "value": {}}) or True, Verdict.RUNTIME_ERROR),
    "a list for a call": (lambda s, m: call(s, m.header["id"], args={"tensor": "x"}) or True, Verdict.RUNTIME_ERROR),
    "a tensor that was not sent": (
        lambda s, m: call(s, m.header["id"], args=[{"tensor": "y", "stride": None}]) or True,
        Verdict.RUNTIME_ERROR,
    ),
    "strides beyond its memory": (
        lambda s, m: call(s, m.header["id"], args=[{"tensor": "x", "stride": [-1, 1]}]) or True,
        Verdict.RUNTIME_ERROR,
    ),
    "nested lists": (
        lambda s, m: call(s, m.header["id"], args=[nested(4)]) or True,
        Verdict.RUNTIME_ERROR,
    ),
    "the connection is closed": (lambda s, m: False, Verdict.RUNTIME_ERROR),
    "a call that never ends": (lambda s, m: flood(s, m) or True, Verdict.OUTPUT_LIMIT),
    "a call beyond its size": (lambda s, m: s.sendall(struct.pack(">IQ", 60, 1 << 40)) or True, Verdict.OUTPUT_LIMIT),
}  # fmt: skip


def flood(sock: socket.socket, message: Message) -> None:
    for _ in range(100):
        call(sock, message.header["id"])
        receive(sock)


@pytest.mark.parametrize("name", FORGERIES)
def test_who_speaks_the_protocol_himself_gains_nothing(exercise: Exercise, seeds: SeedSource, name: str) -> None:
    act, wanted = FORGERIES[name]
    scored = score(exercise, speak(exercise, seeds, act))
    assert scored.earned == 0.0 and scored.verdict is wanted


def test_silence_is_a_stall(exercise: Exercise, seeds: SeedSource) -> None:
    wait = threading.Event()
    record = speak(exercise, seeds, lambda s, m: wait.wait(0.6) or False, case_s=0.2)
    assert {case.verdict for case in record.cases} == {Verdict.TIME_LIMIT}


def test_the_same_client_earns_everything_when_it_tests(exercise: Exercise, seeds: SeedSource) -> None:
    """The twin of the forgeries: the channel they speak on does carry points."""
    from vislab.check.suite import answer_trial

    record = speak(exercise, seeds, lambda s, m: answer_trial(s, m.header, honest) or True)
    assert score(exercise, record).earned == 3.0


def test_what_an_implementation_does_in_place_stays_there(points: Callable[..., float]) -> None:
    rows = torch.randn(3, 4)
    kept = rows.clone()

    def repeated(impl: Impl) -> None:
        assert torch.equal(impl(rows), impl(rows)) and torch.equal(rows, kept)
        generic(impl)

    assert points(repeated) == 2.0


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (torch.zeros(2, 2, dtype=torch.complex64), "cannot be handed over"),
        (float("nan"), "use tensors and finite plain values"),
        (object(), "cannot be handed over"),
        (torch.zeros(1 << 21), "at most 4,194,304"),
        ([[[[1]]]], "a list deeper than 3"),
    ],
)
def test_what_cannot_be_handed_over_is_said_in_the_test(points: Callable[..., float], given: object, text: str) -> None:
    def test(impl: Impl) -> None:
        with pytest.raises(TypeError, match=text):
            impl(given)

    assert points(test) == 0.0


def test_too_many_calls_are_said_in_the_test(judged: Callable[..., CheckRecord]) -> None:
    def test(impl: Impl) -> None:
        for _ in range(100):
            impl(torch.zeros(1, 1))

    assert "by too many calls of impl" in judged(test).cases[0].text


def test_replies_leave_at_steps_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fast and a slow implementation have in common, as far as the step goes; beyond it nothing is promised."""
    from autograder.judge import test_suite

    slept: list[float] = []
    for spent_s in (0.0, 0.001, 0.0039, 0.0041, 0.0123):
        clock = SimpleNamespace(monotonic=lambda spent_s=spent_s: 100.0 + spent_s, sleep=slept.append)
        monkeypatch.setattr(test_suite, "time", clock)
        test_suite._wait_for_step(100.0, 0.004)
        steps = (spent_s + slept[-1]) / 0.004
        assert slept[-1] > 0 and steps == pytest.approx(round(steps), abs=1e-6)
    assert slept[0] == pytest.approx(slept[1] + 0.001) == pytest.approx(0.004)
