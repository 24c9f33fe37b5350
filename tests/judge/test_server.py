"""The judge on a real Unix socket, opposite the real client: opening, closing, and faults of ours."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from judge_clients import GREETING, HANG_S, NAMES, beside, connect, hear, in_time, serving, verdicts
from judged_exercises import EXERCISES, Double, double
from open_files import left_open, open_files

from autograder.exercise.case import Case
from autograder.exercise.seeds import SeedSource
from autograder.judge import server as server_module
from autograder.judge.records import Ending, Observation
from autograder.judge.server import Judge
from autograder.judge.session import CheckSession
from vislab.check.budget import JUDGE_VARIABLE
from vislab.check.compare import Finding
from vislab.check.graded import check_graded
from vislab.check.verdict import Verdict
from vislab.wire.frames import send
from vislab.wire.limits import WireClosed


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
    record = in_time(judge.close)
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


def test_closing_while_an_answer_is_awaited_cuts_the_connection(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # the answer could be waited for longer than any test runs.
    with serving(seeds, tmp_path, monkeypatch, case_s=2 * HANG_S) as judge:
        judge.open("toy.double")
        with connect(judge) as sock:
            send(sock, GREETING)
            assert hear(sock).type == "case"
            record = in_time(lambda: judge.close(grace_s=0.1))
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
        record = judge.close(grace_s=HANG_S)
    assert record.ending is Ending.COMPLETE and set(verdicts(record).values()) == {Verdict.OK}


def test_a_check_that_was_left_running_does_not_keep_the_next_one_waiting(
    seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the first client could be waited for longer than any test runs.
    with serving(seeds, tmp_path, monkeypatch, case_s=2 * HANG_S) as judge:
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
    monkeypatch.setattr(Double, "reference", lambda self, x: (release.wait(2 * HANG_S), original(self, x))[1])
    judge.open("toy.double")
    with connect(judge) as sock:
        send(sock, GREETING)
        while not (judge._check and judge._check.running):
            time.sleep(0.01)
        record = in_time(lambda: judge.close(grace_s=0.1))
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
    assert set(verdicts(in_time(judge.close)).values()) == {Verdict.GRADER_ERROR}
    judge.open("toy.double")
    check_graded("toy.double", double, {})
    assert set(verdicts(judge.close()).values()) == {Verdict.OK}


def test_leaving_ends_everything_even_in_the_middle_of_a_case(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sock = None
    try:
        with serving(seeds, tmp_path, monkeypatch, case_s=2 * HANG_S) as judge:
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
    before = open_files()
    for _ in range(3):
        with serving(seeds, tmp_path, monkeypatch) as judge:
            judge.open("toy.double")
            check_graded("toy.double", double, {})
            judge.close()
    assert not left_open(before)


def test_a_path_that_is_too_long_is_refused_and_leaves_nothing(seeds: SeedSource, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with pytest.raises(OSError, match="path too long"):
        Judge(EXERCISES, seeds, folder)
    assert list(folder.iterdir()) == []


def test_a_listener_that_fails_for_a_moment_costs_nobody_a_check(
    seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Faltering:
        """The judge's listener in a process that has run out of file descriptors twice."""

        def __init__(self, listener: socket.socket) -> None:
            self._listener, self.failures_left = listener, 2

        def accept(self) -> Any:
            if self.failures_left:
                self.failures_left -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return self._listener.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._listener, name)

    made = Judge(EXERCISES, seeds, tmp_path, case_s=5.0)
    faltering = Faltering(made._listener)
    monkeypatch.setattr(made, "_listener", faltering)
    monkeypatch.setenv(JUDGE_VARIABLE, str(made.path))
    with made:
        made.open("toy.double")
        in_time(lambda: check_graded("toy.double", double, {}))
        assert faltering.failures_left == 0 and set(verdicts(made.close()).values()) == {Verdict.OK}
