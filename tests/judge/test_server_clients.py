"""The judge opposite clients that nobody wrote in good faith: garbage, floods, silence, trickles, lies about who is asked."""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from judge_clients import GREETING, HANG_S, NAMES, after, beside, connect, hear, in_time, serving, verdicts
from judged_exercises import Double, double

from autograder.exercise.case import Case
from autograder.exercise.seeds import SeedSource
from autograder.judge import server as server_module
from autograder.judge.records import Ending
from autograder.judge.server import Judge
from vislab.check.graded import check_graded
from vislab.check.verdict import Verdict
from vislab.wire.frames import Message, encode, send
from vislab.wire.limits import Limits, WireClosed


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


def test_who_already_stands_in_the_queue_does_not_wait_either(seeds: SeedSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "CONNECTIONS_MAX", 1)
    with serving(seeds, tmp_path, monkeypatch) as judge:
        judge.open("toy.double")
        with connect(judge) as last_served:
            # connected while the last one is being served: the kernel has taken it, and nobody will ever accept it.
            with connect(judge) as queued:
                last_served.sendall(b"\0" * 12)
                last_served.shutdown(socket.SHUT_WR)
                with pytest.raises(WireClosed):
                    hear(queued)


def test_a_silent_greeting_is_dropped(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "GREETING_S", 1.0)
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
            assert judge.stalled.wait(HANG_S)
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
            assert judge.stalled.wait(HANG_S)
        assert verdicts(judge.close()) == {"large": Verdict.TIME_LIMIT}


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


def test_a_connection_that_holds_the_line_does_not_delay_the_close(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    # its greeting could be waited for longer than any test runs.
    monkeypatch.setattr(server_module, "GREETING_S", 2 * HANG_S)
    judge.open("toy.double")
    with connect(judge) as idle:
        idle.sendall(b"\0")
        time.sleep(0.1)
        assert in_time(judge.close).ending is Ending.ABSENT
