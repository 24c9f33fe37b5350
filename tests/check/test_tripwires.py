"""Ready solutions raise while an exercise's cases run, by whatever name they were imported, and work again afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import ready_solutions
import torch
from call_plans import function_plan
from ready_solutions import double as imported_before

from vislab.check.calls import carry_out
from vislab.check.failures import CallFailed, Tripped
from vislab.check.observe import tripwires

NAMES = ["ready_solutions.double", "ready_solutions.triple", "ready_solutions.Solver"]


def inside(x: torch.Tensor) -> torch.Tensor:
    from ready_solutions import double

    return double(x)


WAYS: dict[str, tuple[Callable[..., Any], str]] = {
    "attribute": (lambda x: ready_solutions.double(x), "ready_solutions.double"),
    "keyword": (lambda x: ready_solutions.double(x, factor=3), "ready_solutions.double"),
    "imported before": (lambda x: imported_before(x), "ready_solutions.double"),
    "imported inside": (inside, "ready_solutions.double"),
    "sys.modules": (lambda x: sys.modules["ready_solutions"].double(x), "ready_solutions.double"),
    "through another solution": (lambda x: ready_solutions.quadruple(x), "ready_solutions.double"),
    "a closure, by its module": (lambda x: ready_solutions.triple(x), "ready_solutions.triple"),
    "a class, by its module": (lambda x: ready_solutions.Solver(x), "ready_solutions.Solver"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_ready_solution_raises_and_is_noted(way: str) -> None:
    answer, name = WAYS[way]
    plan, tensors = function_plan(torch.ones(2), tripwires=NAMES)
    with pytest.raises(CallFailed) as caught:
        carry_out(plan, tensors, answer, {})
    assert type(caught.value.original) is Tripped
    assert str(caught.value.original) == f"{name} is the ready solution of this exercise; write your own"
    assert caught.value.observed["tripped"] == [name]
    working()


def working() -> None:
    assert ready_solutions.double(2) == imported_before(2) == 4 and imported_before(2, factor=5) == 10
    assert ready_solutions.triple(2) == 6 and ready_solutions.quadruple(2) == 8
    assert ready_solutions.Solver(1).x == 1 and isinstance(ready_solutions.Solver, type)
    assert imported_before.__name__ == "double" and imported_before.__doc__ == "Return twice ``x``."


def test_a_swallowed_tripwire_is_noted_all_the_same() -> None:
    def answer(x):
        try:
            return imported_before(x)
        except Exception:
            return x * 2

    plan, tensors = function_plan(torch.ones(2), tripwires=NAMES)
    result = carry_out(plan, tensors, answer, {})
    assert torch.equal(result.tensors["out.0"], torch.full((2,), 2.0)) and result.observed["tripped"] == ["ready_solutions.double"]


def test_an_honest_answer_trips_nothing() -> None:
    plan, tensors = function_plan(torch.ones(2), tripwires=NAMES)
    assert carry_out(plan, tensors, lambda x: x * 2, {}).observed["tripped"] == []
    working()


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_everything_works_again_after_any_exception(error: type[BaseException]) -> None:
    def answer(x):
        raise error

    plan, tensors = function_plan(torch.ones(2), tripwires=NAMES)
    with pytest.raises((CallFailed, KeyboardInterrupt)):
        carry_out(plan, tensors, answer, {})
    working()


def test_names_that_lead_nowhere_are_skipped() -> None:
    seen: set[str] = set()
    with tripwires(["no_such_module.solve", "ready_solutions.no_such_name", "ready_solutions.double"], seen):
        with pytest.raises(Tripped):
            ready_solutions.double(1)
    assert seen == {"ready_solutions.double"}
    working()


def test_one_function_under_two_names_is_guarded_once_and_restored() -> None:
    ready_solutions.twin = ready_solutions.double  # type: ignore[attr-defined]
    seen: set[str] = set()
    try:
        with tripwires(["ready_solutions.double", "ready_solutions.twin"], seen), pytest.raises(Tripped):
            ready_solutions.twin(1)  # type: ignore[attr-defined]
    finally:
        del ready_solutions.twin  # type: ignore[attr-defined]
    assert seen == {"ready_solutions.double"}
    working()


def test_tripwires_of_this_repositorys_ops_hold_for_names_imported_before() -> None:
    from vislab.ops.soft_argmax import soft_argmax

    plan, tensors = function_plan(torch.zeros(1, 1, 2, 2), tripwires=["vislab.ops.soft_argmax.op.soft_argmax"])
    with pytest.raises(CallFailed) as caught:
        carry_out(plan, tensors, lambda x: soft_argmax(x), {})
    assert type(caught.value.original) is Tripped
    assert soft_argmax(torch.zeros(1, 1, 1, 3)).tolist() == [[[1.0, 0.0]]]


@pytest.mark.parametrize("answer", [torch.conv_transpose2d, torch.nn.functional.conv_transpose2d, torch.nn.ConvTranspose2d(1, 1, 2)])
def test_a_built_in_of_torch_that_was_held_from_before_raises(answer: Callable[..., Any]) -> None:
    arguments = (torch.ones(1, 1, 2, 2),) if isinstance(answer, torch.nn.Module) else (torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
    plan, tensors = function_plan(*arguments, tripwires=["torch.conv_transpose2d", "torch.nn.functional.conv_transpose2d"])
    with pytest.raises(CallFailed) as caught:
        carry_out(plan, tensors, lambda *given: answer(*given), {})
    assert type(caught.value.original) is Tripped and len(caught.value.observed["tripped"]) == 1
    assert torch.conv_transpose2d(torch.ones(1, 1, 1, 1), torch.ones(1, 1, 2, 2)).sum() == 4
    # the twin: what is no ready solution runs.
    assert torch.equal(carry_out(plan, tensors, lambda *given: given[0] * 2, {}).tensors["out.0"], 2 * arguments[0])
