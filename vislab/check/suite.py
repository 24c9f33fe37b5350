"""A student's test, and the implementations it is run on: opaque ones of the judge's, or at home the student's own solution.

The test takes one argument, ``impl``, calls it like the function under test, and raises to fail it. When graded, ``impl`` is a door to
the judge: inputs go out, arrays come back, and nothing on this side knows which implementation answers.
"""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable, Mapping
from typing import Any

import torch

from vislab.check.crossing import Uncrossable, pack, pack_call, unpack, unpack_call
from vislab.check.failures import Sentence, WrongKind, builtin_exception, failure_class
from vislab.check.observe import seed_generators
from vislab.check.public_cases import PublicCase
from vislab.check.report import Row
from vislab.check.spoil import spoilt
from vislab.check.verdict import Verdict
from vislab.wire.frames import receive, send
from vislab.wire.limits import Limits, WireError

SUITE_KIND = "test-suite"
# of one call, out and back.
CALL_LIMITS = Limits(header_bytes=1 << 16, body_bytes=8 << 20, tensors=128)
SENT_BYTES_MAX = 4 << 20


class CallsSpent(RuntimeError):
    """The test has called ``impl`` more often than it may."""


class RightMissing(Sentence, TypeError):
    """The check of a test needs the student's own solution at home."""


class Door:
    """``impl`` while graded: every call is answered on the judge's side.

    Args:
        exchange: sends one call's header and tensors and returns the reply's.
        calls_max: how often it may be called.
    """

    def __init__(self, exchange: Callable[[dict[str, Any], dict[str, torch.Tensor]], tuple[dict[str, Any], Any]], calls_max: int) -> None:
        self._exchange = exchange
        self._calls_max = calls_max
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the implementation.

        Raises:
            Uncrossable: an argument that cannot be handed over.
            CallsSpent: it was called too often.
            Exception: what the implementation raised: the same built-in class, without its text.
        """
        header, tensors = checked_call(args, kwargs, self.calls, self._calls_max)
        self.calls += 1
        reply, sent = self._exchange({"type": "call", **header}, tensors)
        if reply["type"] == "raised":
            raise (builtin_exception(str(reply["error"])) or RuntimeError)()
        return unpack(reply["value"], sent)


def checked_call(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], calls: int, calls_max: int
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Describe a call, or refuse one that the judge would not take; the same at home as when graded."""
    if calls >= calls_max:
        raise CallsSpent(f"a test may call impl {calls_max} times; test more with fewer calls")
    header, tensors = pack_call(args, kwargs)
    size_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size_bytes > SENT_BYTES_MAX:
        raise Uncrossable(
            f"the inputs of one call hold {size_bytes:,} bytes; at most {SENT_BYTES_MAX:,} can be handed over; use smaller ones"
        )
    return header, tensors


def run_test(test: Any, implementation: Callable[..., Any], seed: int) -> BaseException | None:
    """Run a student's test on one implementation and return what it raised, or None where it let the implementation pass."""
    if not callable(test) or isinstance(test, type):
        return WrongKind(f"hand in the test function itself, not {type(test).__name__}")
    seed_generators(seed)
    try:
        with torch.enable_grad():
            result = test(implementation)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a test may fail an implementation by any exception
        return error
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        return WrongKind("the test is a generator or a coroutine: its body never runs; write a plain function")
    return None


def answer_trial(sock: socket.socket, header: Mapping[str, Any], test: Any) -> None:
    """Run the test on the implementation behind one of the judge's trials and send back whether it failed it."""
    identity = header["id"]

    def exchange(call: dict[str, Any], tensors: dict[str, torch.Tensor]) -> tuple[dict[str, Any], Any]:
        send(sock, {**call, "id": identity}, tensors)
        reply = receive(sock, CALL_LIMITS)
        if reply.type not in ("returned", "raised") or reply.header.get("id") != identity:
            raise WireError("the judge has ended this trial")
        return reply.header, reply.tensors

    error = run_test(test, Door(exchange, int(header["calls_max"])), int(header["seed"]))
    send(sock, {"type": "answer", "id": identity, "failed": error is not None, "error": "" if error is None else _class_of(error)})


def check_suite_at_home(cases: list[PublicCase], test: Any, extras: Mapping[str, Any]) -> list[Row]:
    """Run the test on the student's own solution, which it must pass, and on that solution with a fault put in, which it must fail.

    Args:
        cases: recorded ones; each names a fault of ``spoil``.
        test: the student's.
        extras: ``right``: the student's own solution of the exercise under test.

    Raises:
        RightMissing: no ``right``.
    """
    plan = cases[0].plan
    right = extras.get("right")
    if not callable(right):
        raise RightMissing(f"hand in your own solution of {plan['of']} beside the test: check(name, test, right=...)")
    door = _HomeDoor(right, plan["calls_max"])
    error = run_test(test, door, plan["seed"])
    if isinstance(error, NotImplementedError) and door.calls == 0:
        return [Row(case.name, case.family, Verdict.NOT_ATTEMPTED, "not written yet") for case in cases]
    first = f"your own {plan['of']}"
    if door.unwritten:
        rows = [Row(first, "value", Verdict.NOT_ATTEMPTED, "it is not written yet; solve that exercise first")]
    elif error is not None:
        fault = Verdict.WRONG_TYPE if isinstance(error, WrongKind) else Verdict.WRONG_VALUE
        rows = [Row(first, "value", fault, f"your test fails it, so one of the two is wrong: {_said(error)}")]
    else:
        rows = [Row(first, "value", Verdict.OK)]
    for case in cases:
        wrong = spoilt(right, *case.plan["spoiler"])
        caught = run_test(test, _HomeDoor(wrong, case.plan["calls_max"]), case.plan["seed"]) is not None
        text = "" if caught else "your test passes this wrong implementation; a test fails one by raising, as assert does"
        rows.append(Row(case.name, case.family, Verdict.OK if caught else Verdict.WRONG_VALUE, text))
    return rows


class _HomeDoor:
    """``impl`` at home: the same limits, and values travel as they do when graded."""

    def __init__(self, implementation: Callable[..., Any], calls_max: int) -> None:
        self._implementation = implementation
        self._calls_max = calls_max
        self.calls = 0
        self.unwritten = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        header, tensors = checked_call(args, kwargs, self.calls, self._calls_max)
        self.calls += 1
        given, named = unpack_call(header, _copied(tensors))
        try:
            result = self._implementation(*given, **named)
        except NotImplementedError:
            self.unwritten = True
            raise
        back: dict[str, torch.Tensor] = {}
        value = pack(result, "out", back)
        return unpack(value, _copied(back))


def _copied(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}


def _class_of(error: BaseException) -> str:
    return type(error).__name__ if isinstance(error, (CallsSpent, Uncrossable)) else failure_class(error)


def _said(error: BaseException) -> str:
    text = str(error).splitlines()[0][:200] if str(error) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
