"""Whatever the student's code raises is a failure of the call, named for both sides; only an interrupt passes through."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch
from call_plans import function_plan

from vislab.check.calls import carry_out
from vislab.check.failures import (
    CallFailed,
    StateDictMismatch,
    Tripped,
    WrongKind,
    builtin_exception,
    failure_class,
    raised_as_asked,
)


def failure(answer: Any) -> CallFailed:
    plan, tensors = function_plan(torch.ones(2))
    with pytest.raises(CallFailed) as caught:
        carry_out(plan, tensors, answer, {})
    return caught.value


def raising(error: BaseException | type[BaseException]):
    def answer(x):
        raise error

    return answer


@pytest.mark.parametrize(
    "error",
    [ValueError, NotImplementedError, SystemExit, GeneratorExit, StopIteration, MemoryError, RecursionError, asyncio.CancelledError],
)
def test_an_exception_of_the_call_is_a_failure_in_the_stage_call(error: type[BaseException]) -> None:
    failed = failure(raising(error))
    assert failed.stage == "call" and type(failed.original) is error
    assert failed.observed == {"mutated": [], "rng_moved": False, "forbidden": [], "tripped": []}


def test_an_interrupt_passes_through() -> None:
    plan, tensors = function_plan(torch.ones(2))
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, tensors, raising(KeyboardInterrupt), {})


def test_endless_recursion_is_a_failure() -> None:
    def answer(x):
        return answer(x)

    assert isinstance(failure(answer).original, RecursionError)


def test_an_output_that_raises_when_it_is_read_is_a_failure() -> None:
    class Bomb(tuple):
        def __iter__(self):
            raise OverflowError("boom")

    assert isinstance(failure(lambda x: Bomb()).original, OverflowError)


@pytest.mark.parametrize("answer", [None, "soft_argmax", 3, torch.ones(2)], ids=["None", "text", "number", "tensor"])
def test_what_cannot_be_called_is_of_the_wrong_kind(answer: Any) -> None:
    failed = failure(answer)
    assert failed.stage == "construct" and type(failed.original) is WrongKind
    assert str(failed.original) == f"hand in the function itself, not {type(answer).__name__}"


def test_any_callable_may_be_handed_in() -> None:
    plan, tensors = function_plan(torch.ones(2))
    assert carry_out(plan, tensors, torch.nn.Identity(), {}).tensors.keys() == {"out.0"}


class OwnError(ValueError):
    pass


class StillAStub(NotImplementedError):
    pass


class InterpreterError(Exception):
    """Named like Triton's, which wraps what a kernel raises."""


def wrapped(inner: BaseException) -> BaseException:
    outer = InterpreterError(repr(inner))
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ZeroDivisionError(), "ZeroDivisionError"),
        (OwnError(), "ValueError"),
        (StillAStub(), "NotImplementedError"),
        (asyncio.CancelledError(), "BaseException"),
        (type("ValueError", (Exception,), {})(), "Exception"),
        (type("Tripped", (Exception,), {})(), "Exception"),
        (Tripped(), "Tripped"),
        (WrongKind(), "WrongKind"),
        (StateDictMismatch(), "StateDictMismatch"),
        (MemoryError(), "MemoryError"),
        (torch.OutOfMemoryError("CUDA out of memory"), "MemoryError"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4398046511104 bytes"),
            "MemoryError",
        ),
        (RuntimeError("shapes do not match"), "RuntimeError"),
        (wrapped(NotImplementedError()), "NotImplementedError"),
        (wrapped(wrapped(IndexError())), "IndexError"),
        (InterpreterError("nothing inside"), "Exception"),
    ],
)
def test_a_failure_has_the_name_of_the_nearest_class_both_sides_know(error: BaseException, name: str) -> None:
    assert failure_class(error) == name


def test_an_allocation_that_cannot_be_met_is_about_memory() -> None:
    assert failure_class(failure(lambda x: torch.empty(1 << 56)).original) == "MemoryError"


def test_only_exceptions_are_built_in_exceptions() -> None:
    assert builtin_exception("ValueError") is ValueError
    for name in ("print", "int", "object", "__loader__", "__class__", "NoSuchError", ""):
        assert builtin_exception(name) is None


@pytest.mark.parametrize(
    ("error", "asked", "right"),
    [
        ("ValueError", "ValueError", True),
        ("UnicodeDecodeError", "ValueError", True),
        ("IndexError", "LookupError", True),
        ("LookupError", "IndexError", False),
        ("TypeError", "ValueError", False),
        ("NotImplementedError", "RuntimeError", True),
        ("Tripped", "RuntimeError", False),
        ("nonsense", "ValueError", False),
        ("ValueError", "nonsense", False),
    ],
)
def test_a_call_must_raise_the_class_or_one_below_it(error: str, asked: str, right: bool) -> None:
    assert raised_as_asked(error, asked) is right
