"""The judge on a real Unix socket, opposite the real client and opposite clients that nobody wrote in good faith."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from judged_exercises import EXERCISES, Double, double

from autograder.exercise.case import Case
from autograder.exercise.seeds import SeedSource
from autograder.judge import server as server_module
from autograder.judge.records import CheckRecord, Ending, Observation
from autograder.judge.server import Judge
from autograder.judge.session import CheckSession
from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.compare import Finding
from vislab.check.graded import check_graded
from vislab.check.verdict import Verdict
from vislab.wire.frames import Message, encode, receive, send
from vislab.wire.limits import Limits, WireClosed

NAMES = [case.name for case in Double().cases()]
GREETING = {"type": "check", "version": 1, "exercise": "toy.double"}


@pytest.fixture
def judge(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judge]:
    with serving(seeds, tmp_path, monkeypatch) as made:
        yield made


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
    sock.settimeout(10)
    sock.connect(str(judge.path))
    return sock


def hear(sock: socket.socket) -> Message:
    return receive(sock, deadline_s=time.monotonic() + 10)


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
    thread.join(timeout=20)
    assert not thread.is_alive()


def in_time(work: Callable[[], Any], limit_s: float = 15.0) -> Any:
    """The result of ``work``, which must not hang."""
    with beside(work) as result:
        until = time.monotonic() + limit_s
        while not result and time.monotonic() < until:
            time.sleep(0.01)
        assert result, f"still waiting after {limit_s} s"
    return result[0]


def test_a_whole_conversation(judge: Judge) -> None:
    judge.open("toy.double")
    assert check_graded("toy.double", double, {}) == "toy.double: recorded."
    record = judge.close()
    assert record.ending is Ending.COMPLETE and [case.name for case in record.cases] == NAMES
    assert set(verdicts(record).values()) == {Verdict.OK} and record.observed == Observation()


def test_one_check_after_another(judge: Judge) -> None:
    for exercise, answer, right in (
        ("toy.double", double, True),
        ("toy.signs", lambda x: x < 0, False),
        ("toy.double", lambda x: x, False),
    ):
        judge.open(exercise)
        check_graded(exercise, answer, {})
        record = judge.close()
        assert record.exercise == exercise and ({Verdict.OK} == set(verdicts(record).values())) is right


def test_the_kernel_learns_nothing_from_the_conversation(judge: Judge) -> None:
    judge.open("toy.double")
    told = []
    with connect(judge) as sock:
        send(sock, GREETING)
        while (message := hear(sock)).type == "case":
            told.append(message)
            send(sock, {"type": "answer", "id": message.header["id"], "outputs": [], "gradients": [], "observed": {}})
        assert message.header == {"type": "done"} and message.tensors == {}
    assert [message.header["id"] for message in told] == list(range(len(NAMES)))
    words = " ".join(str(message.header) for message in told)
    assert not any(name in words for name in [*NAMES, "OK", "WRONG", "family", "expected", "value"])
    assert set(verdicts(judge.close()).values()) == {Verdict.WRONG_TYPE}


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (GREETING, "an exercise is judged in its own check cell only"),
        ({**GREETING, "version": 2}, "this vislab speaks another version of the protocol"),
        ({"type": "check", "exercise": "toy.double"}, "this vislab speaks another version of the protocol"),
        ({**GREETING, "type": "answer"}, "this vislab speaks another version of the protocol"),
    ],
)
def test_nobody_is_judged_while_nothing_is_open(judge: Judge, greeting: dict[str, Any], reason: str) -> None:
    with connect(judge) as sock:
        send(sock, greeting)
        assert hear(sock).header == {"type": "refused", "reason": reason}
        with pytest.raises(WireClosed):
            hear(sock)


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        ({**GREETING, "exercise": "toy.root"}, "an exercise is judged in its own check cell only"),
        ({**GREETING, "exercise": None}, "an exercise is judged in its own check cell only"),
        ({**GREETING, "exercise": ["toy.double"]}, "an exercise is judged in its own check cell only"),
        ({**GREETING, "version": "1"}, "this vislab speaks another version of the protocol"),
    ],
)
def test_only_the_open_exercise_in_this_version_is_judged(judge: Judge, greeting: dict[str, Any], reason: str) -> None:
    judge.open("toy.double")
    with connect(judge) as sock:
        send(sock, greeting)
        assert hear(sock).header == {"type": "refused", "reason": reason}
    # a refusal costs nothing: the check itself still counts.
    check_graded("toy.double", double, {})
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_a_check_answers_once(judge: Judge) -> None:
    judge.open("toy.double")
    check_graded("toy.double", lambda x: 3 * x, {})
    assert check_graded("toy.double", double, {}) == "toy.double: not recorded: this check has been answered"
    assert Verdict.WRONG_VALUE in verdicts(judge.close()).values()
    assert "its own check cell only" in check_graded("toy.double", double, {})


def test_a_check_opened_again_starts_anew(judge: Judge) -> None:
    judge.open("toy.double")
    check_graded("toy.double", lambda x: 3 * x, {})
    judge.open("toy.double")
    check_graded("toy.double", double, {})
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_a_check_nobody_came_for_is_absent(judge: Judge) -> None:
    judge.open("toy.double")
    record = in_time(judge.close, 5)
    assert record.ending is Ending.ABSENT
    assert [(case.verdict, case.judged) for case in record.cases] == [(Verdict.NOT_ATTEMPTED, False)] * len(NAMES)


def test_opening_and_closing_are_checked(judge: Judge) -> None:
    with pytest.raises(KeyError, match=r"exercise 'toy\.nothing' is not in this assignment; known: \['toy\.broken', "):
        judge.open("toy.nothing")
    with pytest.raises(RuntimeError, match="no check is open"):
        judge.close()


def test_a_skipped_check_never_calls_the_answer(judge: Judge) -> None:
    def never(x):
        raise AssertionError("called")

    judge.open("toy.double", Finding(Verdict.MEMORY_LIMIT, "the notebook exceeded its memory in this check"))
    assert check_graded("toy.double", never, {}) == "toy.double: recorded."
    record = judge.close()
    assert record.ending is Ending.SKIPPED and record.resource
    assert {(case.verdict, case.text) for case in record.cases} == {
        (Verdict.MEMORY_LIMIT, "the notebook exceeded its memory in this check")
    }
    judge.open("toy.double", Finding(Verdict.TIME_LIMIT, "late"))
    assert set(verdicts(judge.close()).values()) == {Verdict.TIME_LIMIT}


def test_a_fault_of_the_reference_is_a_grader_error(judge: Judge) -> None:
    judge.open("toy.broken")
    assert check_graded("toy.broken", double, {}) == "toy.broken: recorded."
    assert verdicts(judge.close()) == {**dict.fromkeys(NAMES, Verdict.OK), "hidden rows": Verdict.GRADER_ERROR}


def test_an_input_that_cannot_travel_is_a_grader_error(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    unfit = [Case("complex", "value", lambda draw: (torch.ones(2, dtype=torch.complex64),))]
    monkeypatch.setattr(Double, "cases", lambda self: unfit)
    monkeypatch.setattr(Double, "reference", lambda self, x: x.real)
    judge.open("toy.double")
    check_graded("toy.double", double, {})
    (case,) = judge.close().cases
    assert case.verdict is Verdict.GRADER_ERROR and "complex64" in case.text


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0" * 64,
        b"\xff" * 64,
        struct.pack(">IQ", 1 << 20, 0),
        struct.pack(">IQ", 10, 1 << 40) + b"x" * 10,
        encode({"type": "check"})[:-1],
        encode(GREETING, {"x": torch.ones(3)}),
        struct.pack(">IQ", 4, 0) + b"[[[[",
        encode({**GREETING, "padding": "x" * 5000}),
    ],
    ids=["nothing", "http", "zeros", "ones", "long header", "long body", "cut", "tensors", "brackets", "padding"],
)
def test_garbage_is_dropped_and_the_next_client_is_served(judge: Judge, garbage: bytes) -> None:
    judge.open("toy.double")
    with connect(judge) as sock:
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        # the judge says nothing to it: the connection ends, with or without a reset.
        try:
            assert sock.recv(100) == b""
        except ConnectionError:
            pass
    check_graded("toy.double", double, {})
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_a_flood_of_connections_does_not_keep_the_check_away(judge: Judge) -> None:
    judge.open("toy.double")
    stop = threading.Event()

    def flood() -> int:
        count = 0
        while not stop.is_set() and count < 300:
            try:
                with connect(judge) as sock:
                    sock.sendall(b"\0" * 12)
            except OSError:
                # the queue is full: exactly what a flood is for.
                stop.wait(0.001)
            count += 1
        return count

    with beside(flood) as counted:
        check_graded("toy.double", double, {})
        stop.set()
    assert counted[0] >= 1
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_when_all_connections_are_used_up_nobody_waits(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CONNECTIONS_MAX", 3)
    with serving(seeds, tmp_path, monkeypatch) as judge:
        judge.open("toy.double")
        for _ in range(3):
            with connect(judge) as sock:
                sock.sendall(b"\0" * 12)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(1)
        assert isinstance(in_time(lambda: check_graded("toy.double", double, {})), OSError)
        assert judge.close().ending is Ending.ABSENT


def test_a_silent_greeting_is_dropped(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "GREETING_S", 0.2)
    judge.open("toy.double")
    with connect(judge) as silent:
        check_graded("toy.double", double, {})
        assert silent.recv(1) == b""
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_a_client_that_never_answers_stalls(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(seeds, tmp_path, monkeypatch, case_s=0.3) as judge:
        judge.open("toy.double")
        with connect(judge) as sock:
            send(sock, GREETING)
            assert hear(sock).type == "case"
            assert judge.stalled.wait(10)
            # the other side is cut off and may go on computing for itself.
            with pytest.raises(WireClosed):
                hear(sock)
        record = judge.close()
        assert not judge.stalled.is_set()
    assert record.ending is Ending.STALLED and set(verdicts(record).values()) == {Verdict.TIME_LIMIT}
    texts = sorted({case.text for case in record.cases})
    assert texts == ["no answer within 0.3 s", "not run: an earlier case used up the time"]


def test_a_trickling_answer_stalls(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(seeds, tmp_path, monkeypatch, case_s=0.4) as judge:
        judge.open("toy.double")
        with connect(judge) as sock:
            send(sock, GREETING)
            number = hear(sock).header["id"]
            answer = encode({"type": "answer", "id": number, "outputs": [{}], "gradients": []}, {"out.0": torch.ones(3000)})
            for byte in answer:
                try:
                    sock.sendall(bytes([byte]))
                except OSError:
                    break
                if judge.stalled.wait(0.02):
                    break
        assert judge.close().ending is Ending.STALLED


def test_a_client_that_never_reads_stalls(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = [Case("large", "value", lambda draw: (draw.normal(1 << 21),))]
    monkeypatch.setattr(Double, "cases", lambda self: large)
    with serving(seeds, tmp_path, monkeypatch, case_s=0.3) as judge:
        judge.open("toy.double")
        with connect(judge) as sock:
            send(sock, GREETING)
            assert judge.stalled.wait(15)
        assert verdicts(judge.close()) == {"large": Verdict.TIME_LIMIT}


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


def test_a_client_that_leaves_in_the_middle_keeps_what_it_earned(judge: Judge) -> None:
    judge.open("toy.double")
    after(3, judge, lambda sock, case: None)
    record = judge.close()
    assert record.ending is Ending.BROKEN
    found = [case.verdict for case in record.cases]
    assert found.count(Verdict.OK) == 3 and found.count(Verdict.RUNTIME_ERROR) == len(NAMES) - 3
    # the engine may learn later that memory was what ended it.
    recast = record.recast(Verdict.MEMORY_LIMIT, "out of memory")
    assert [case.verdict for case in recast.cases].count(Verdict.MEMORY_LIMIT) == len(NAMES) - 3


def test_an_answer_beyond_the_limit_is_an_output_limit(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(seeds, tmp_path, monkeypatch, limits=Limits(body_bytes=4096, tensors=3)) as judge:
        for tensors in ({"out.0": torch.ones(2000)}, {f"out.{i}": torch.ones(1) for i in range(4)}):
            judge.open("toy.double")

            def too_much(sock: socket.socket, case: Message, tensors: dict[str, torch.Tensor] = tensors) -> None:
                send(sock, {"type": "answer", "id": case.header["id"], "outputs": [{}], "gradients": []}, tensors)
                with pytest.raises(WireClosed):
                    hear(sock)

            after(2, judge, too_much)
            record = judge.close()
            found = [case.verdict for case in record.cases]
            assert record.ending is Ending.BROKEN and record.resource
            assert (found.count(Verdict.OK), found.count(Verdict.OUTPUT_LIMIT)) == (2, 1)
            (limited,) = [case for case in record.cases if case.verdict is Verdict.OUTPUT_LIMIT]
            assert limited.text == "the answer is too large"


@pytest.mark.parametrize("number", [-1, 0, 99, None, "1"])
def test_an_answer_to_another_case_is_malformed(judge: Judge, number: Any) -> None:
    def wrong_id(sock: socket.socket, case: Message) -> None:
        send(sock, {"type": "answer", "id": number, "outputs": [{}], "gradients": []}, {"out.0": 2 * case.tensors["in.0"]})
        with pytest.raises(WireClosed):
            hear(sock)

    judge.open("toy.double")
    after(1, judge, wrong_id)
    record = judge.close()
    assert record.ending is Ending.BROKEN and [case.verdict for case in record.cases].count(Verdict.OK) == 1


def test_answers_given_before_the_questions_are_of_no_use(judge: Judge) -> None:
    judge.open("toy.double")
    with connect(judge) as sock:
        send(sock, GREETING)
        for number in range(len(NAMES)):
            send(sock, {"type": "answer", "id": number, "outputs": [{}], "gradients": []}, {"out.0": torch.ones(3, 4)})
        while hear(sock).type == "case":
            pass
    assert Verdict.OK not in verdicts(judge.close()).values()


def test_closing_while_an_answer_is_awaited_cuts_the_connection(judge: Judge) -> None:
    judge.open("toy.double")
    with connect(judge) as sock:
        send(sock, GREETING)
        assert hear(sock).type == "case"
        record = in_time(lambda: judge.close(grace_s=0.1), 4)
        assert record.ending is Ending.BROKEN and set(verdicts(record).values()) == {Verdict.RUNTIME_ERROR}
        with pytest.raises(WireClosed):
            hear(sock)
    judge.open("toy.signs")
    check_graded("toy.signs", lambda x: x > 0, {})
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_a_session_about_to_finish_is_waited_for(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    original = CheckSession.run

    def slow(self, exchange):
        record = original(self, exchange)
        time.sleep(0.5)
        return record

    monkeypatch.setattr(CheckSession, "run", slow)
    judge.open("toy.double")
    with beside(lambda: check_graded("toy.double", double, {})):
        while not (judge._check and judge._check.running):
            time.sleep(0.01)
        record = judge.close(grace_s=10)
    assert record.ending is Ending.COMPLETE and set(verdicts(record).values()) == {Verdict.OK}


def test_a_connection_that_holds_the_line_does_not_delay_the_close(judge: Judge) -> None:
    judge.open("toy.double")
    with connect(judge) as idle:
        idle.sendall(b"\0")
        time.sleep(0.1)
        assert in_time(judge.close, 4).ending is Ending.ABSENT


def test_a_check_that_was_left_running_does_not_keep_the_next_one_waiting(
    seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the first client could be waited for longer than any test runs.
    with serving(seeds, tmp_path, monkeypatch, case_s=60) as judge:
        judge.open("toy.double")
        with connect(judge) as first:
            send(first, GREETING)
            assert hear(first).type == "case"
            judge.open("toy.signs")
            assert in_time(lambda: check_graded("toy.signs", lambda x: x > 0, {})) == "toy.signs: recorded."
            record = judge.close()
    assert record.exercise == "toy.signs" and set(verdicts(record).values()) == {Verdict.OK}


def test_our_own_endless_computation_is_a_grader_error(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    original = Double.reference
    monkeypatch.setattr(server_module, "JUDGING_S", 0.2)
    monkeypatch.setattr(Double, "reference", lambda self, x: (release.wait(20), original(self, x))[1])
    judge.open("toy.double")
    with connect(judge) as sock:
        send(sock, GREETING)
        while not (judge._check and judge._check.running):
            time.sleep(0.01)
        record = in_time(lambda: judge.close(grace_s=0.1), 5)
        assert set(verdicts(record).values()) == {Verdict.GRADER_ERROR}
        release.set()


def test_an_exception_in_the_judge_itself_is_a_grader_error_and_the_next_check_is_served(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self, exchange):
        raise AssertionError("a bug of ours")

    judge.open("toy.double")
    with monkeypatch.context() as patched:
        patched.setattr(CheckSession, "run", broken)
        with pytest.raises(WireClosed):
            check_graded("toy.double", double, {})
    assert set(verdicts(in_time(judge.close, 5)).values()) == {Verdict.GRADER_ERROR}
    judge.open("toy.double")
    check_graded("toy.double", double, {})
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_leaving_ends_everything_even_in_the_middle_of_a_case(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sock = None
    try:
        with serving(seeds, tmp_path, monkeypatch, case_s=60) as judge:
            judge.open("toy.double")
            sock = connect(judge)
            send(sock, GREETING)
            assert hear(sock).type == "case"
    finally:
        if sock is not None:
            sock.close()
    assert list(tmp_path.iterdir()) == []
    with serving(seeds, tmp_path, monkeypatch):
        assert [path.name for path in tmp_path.iterdir()] == ["judge.sock"]


def test_descriptors_are_given_back(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc on this system")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with serving(seeds, tmp_path, monkeypatch) as judge:
            judge.open("toy.double")
            check_graded("toy.double", double, {})
            judge.close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_path_that_is_too_long_is_refused_and_leaves_nothing(seeds: SeedSource, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with pytest.raises(OSError, match="path too long"):
        Judge(EXERCISES, seeds, folder)
    assert list(folder.iterdir()) == []
