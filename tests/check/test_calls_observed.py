"""What the student's own process sees of a call: inputs changed, generators moved, operations that the exercise forbids."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from call_plans import function_plan

from vislab.check.calls import carry_out
from vislab.check.failures import CallFailed
from vislab.check.observe import same_values, seed_generators, traced


def observed(answer: Callable[..., Any], *arguments: Any, **more: Any) -> dict[str, Any]:
    plan, tensors = function_plan(*(arguments or (torch.arange(6.0).reshape(2, 3),)), **more)
    return carry_out(plan, tensors, answer, {}).observed


CLEAN = {"mutated": [], "rng_moved": False, "forbidden": [], "tripped": []}


def in_place(x: torch.Tensor) -> torch.Tensor:
    x += 1
    return x


def through_a_view(x: torch.Tensor) -> torch.Tensor:
    x.t()[2].mul_(2)
    return x.sum()


def through_data(x: torch.Tensor) -> torch.Tensor:
    x.data[1, 1] = 0
    return x * 1


def through_numpy(x: torch.Tensor) -> torch.Tensor:
    x.detach().numpy()[0, 0] = 5
    return x * 1


def by_out(x: torch.Tensor) -> torch.Tensor:
    return torch.exp(x, out=x)


def one_element_to_nan(x: torch.Tensor) -> torch.Tensor:
    x[1, 2] = float("nan")
    return x * 1


def resized(x: torch.Tensor) -> torch.Tensor:
    x.resize_(3)
    return torch.ones(2)


def other_memory(x: torch.Tensor) -> torch.Tensor:
    x.data = torch.zeros(2, 3)
    return x * 1


SPOILERS = [in_place, through_a_view, through_data, through_numpy, by_out, one_element_to_nan, resized, other_memory]


@pytest.mark.parametrize("answer", SPOILERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("layout", ["contiguous", "strided", "transposed", "offset"])
def test_a_changed_input_is_noticed(answer: Callable[..., Any], layout: str) -> None:
    if answer is resized and layout == "transposed":
        layout = "contiguous"
    assert observed(answer, layout=layout) == {**CLEAN, "mutated": [0]}


@pytest.mark.parametrize("answer", [through_data, through_numpy, other_memory], ids=lambda f: f.__name__)
def test_a_changed_leaf_is_noticed(answer: Callable[..., Any]) -> None:
    plan, tensors = function_plan(torch.arange(6.0).reshape(2, 3), cotangents=(torch.ones(2, 3),), wrt=(0,))
    assert carry_out(plan, tensors, answer, {}).observed["mutated"] == [0]


def test_the_position_of_the_changed_input_is_told_keywords_last() -> None:
    def answer(a, b, c, *, d):
        b.zero_()
        d.logical_not_()
        return a

    ones = torch.ones(2)
    assert observed(answer, ones, ones.clone(), 3, keywords={"d": torch.tensor([True])})["mutated"] == [1, 3]


def test_honest_work_is_not_taken_for_a_change() -> None:
    def own_copies(x):
        y = x.clone()
        y += 1
        z = x.detach().numpy().copy()
        z[0, 0] = 5
        return y.exp_()

    nan = torch.tensor([[1.0, float("nan"), float("inf")]])
    assert observed(own_copies) == CLEAN
    assert observed(lambda x: x * 2, nan) == CLEAN
    assert observed(lambda x: x.requires_grad_().exp()) == CLEAN


def test_a_change_is_noticed_although_the_call_then_fails() -> None:
    def answer(x):
        x.zero_()
        raise ValueError("too late")

    plan, tensors = function_plan(torch.ones(2))
    with pytest.raises(CallFailed) as caught:
        carry_out(plan, tensors, answer, {})
    assert caught.value.observed == {**CLEAN, "mutated": [0]} and caught.value.stage == "call"


def test_values_are_the_same_or_not() -> None:
    nan = torch.tensor([float("nan"), 1.0])
    assert same_values(nan, nan.clone())
    assert not same_values(nan, torch.tensor([1.0, float("nan")]))
    assert not same_values(nan, nan.double()) and not same_values(nan, nan[:1])
    assert same_values(torch.zeros(0), torch.zeros(0))
    assert same_values(torch.tensor([True]), torch.tensor([True])) and not same_values(torch.tensor([1]), torch.tensor([2]))


def shuffles_python(x: torch.Tensor) -> torch.Tensor:
    random.shuffle([1, 2, 3])
    return x


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x + torch.rand(3),
        lambda x: F.dropout(x, 0.5),
        lambda x: x + float(np.random.rand()),
        shuffles_python,
        lambda x: (torch.manual_seed(0), x)[1],
        lambda x: (np.random.seed(5), x)[1],
        lambda x: (random.seed(5), x)[1],
    ],
    ids=["torch", "dropout", "numpy", "python", "torch re-seeded", "numpy re-seeded", "python re-seeded"],
)
def test_a_moved_generator_is_noticed(answer: Callable[..., Any]) -> None:
    assert observed(answer) == {**CLEAN, "rng_moved": True}


def test_a_generator_that_moves_only_in_the_backward_pass_is_noticed() -> None:
    class Draws(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad * torch.rand(())

    plan, tensors = function_plan(torch.ones(2), cotangents=(torch.ones(2),), wrt=(0,))
    assert carry_out(plan, tensors, Draws.apply, {}).observed["rng_moved"] is True


def test_generators_of_ones_own_are_free() -> None:
    def answer(x):
        own = torch.Generator().manual_seed(0)
        return x + torch.rand(3, generator=own) + float(np.random.default_rng(0).random()) + random.Random(0).random()

    assert observed(answer) == CLEAN


NAMES = ("torch.softmax", "torch.nn.functional.softmax", "aten::_softmax", "torch.argmax")
alias = torch.softmax


def by_exec(x: torch.Tensor) -> torch.Tensor:
    space: dict[str, Any] = {"torch": torch, "x": x}
    exec("out = torch.softmax(x, 1)", space)
    return space["out"]


SOFTMAXES: dict[str, Callable[..., Any]] = {
    "plainly": lambda x: torch.softmax(x, 1),
    "alias": lambda x: alias(x, 1),
    "getattr": lambda x: getattr(torch, "soft" + "max")(x, 1),
    "exec": by_exec,
    "method": lambda x: x.softmax(1),
    "functional": lambda x: F.softmax(x, 1),
    "module": lambda x: torch.nn.Softmax(1)(x),
    "private": lambda x: torch._softmax(x, 1, False),
    "dispatcher": lambda x: torch.ops.aten._softmax(x, 1, False),
    "dispatcher composite": lambda x: torch.ops.aten.softmax.int(x, 1),
    "special": lambda x: torch.special.softmax(x, 1),
    "scripted": lambda x: torch.jit.trace(lambda y: torch.softmax(y, 1), x, check_trace=False)(x),
    "vmap": lambda x: torch.vmap(lambda row: torch.softmax(row, 0))(x),
    "functools": lambda x: __import__("functools").partial(torch.softmax, dim=1)(x),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", SOFTMAXES)
def test_a_forbidden_operation_is_traced_however_it_is_spelt(how: str) -> None:
    seen = observed(SOFTMAXES[how], forbidden=list(NAMES))["forbidden"]
    assert seen and set(seen) <= set(NAMES)


def test_a_forbidden_operation_in_the_backward_pass_is_traced() -> None:
    class Sneaky(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return torch.ops.aten._softmax(grad, 0, False)

    plan, tensors = function_plan(torch.ones(2), cotangents=(torch.ones(2),), wrt=(0,), forbidden=list(NAMES))
    assert carry_out(plan, tensors, Sneaky.apply, {}).observed["forbidden"] == ["aten::_softmax"]


def test_a_forbidden_operation_is_noted_although_the_call_then_fails() -> None:
    def answer(x):
        x.argmax()
        raise ValueError

    plan, tensors = function_plan(torch.ones(2), forbidden=list(NAMES))
    with pytest.raises(CallFailed) as caught:
        carry_out(plan, tensors, answer, {})
    assert caught.value.observed["forbidden"] == ["torch.argmax"]


def softmax(x: torch.Tensor) -> torch.Tensor:
    """A student's own function may have any name."""
    weights = torch.exp(x - x.amax(1, keepdim=True))
    return weights / weights.sum(1, keepdim=True)


def test_honest_code_that_only_looks_forbidden_is_not_traced() -> None:
    def answer(x):
        """Not torch.softmax."""
        text = "torch.softmax(x, 1)"
        return softmax(x) + 0 * len(text) + 0 * torch.logsumexp(x, 1, keepdim=True) + x.max(1, keepdim=True).values * 0

    assert observed(answer, forbidden=list(NAMES)) == CLEAN


def test_an_operation_outside_the_call_is_not_traced() -> None:
    seen: set[str] = set()
    torch.softmax(torch.ones(2), 0)
    with traced(NAMES, seen):
        pass
    torch.softmax(torch.ones(2), 0)
    assert seen == set()
    with traced((), seen):
        torch.softmax(torch.ones(2), 0)
    assert seen == set()


def test_the_trace_ends_with_the_call_also_when_it_fails() -> None:
    plan, tensors = function_plan(torch.ones(2), forbidden=list(NAMES))
    with pytest.raises(CallFailed):
        carry_out(plan, tensors, lambda x: 1 / 0, {})
    gc.collect()
    assert torch.overrides._get_current_function_mode() is None
    assert torch.utils._python_dispatch._get_current_dispatch_mode() is None


@pytest.mark.parametrize("accelerator", [False, True])
def test_generators_are_seeded_as_by_hand_and_devices_that_are_there_besides(monkeypatch: pytest.MonkeyPatch, accelerator: bool) -> None:
    seed, asked, by_torch = 2**40 + 7, [], torch.manual_seed
    by_torch(seed)
    expected = torch.rand(4)
    monkeypatch.setattr("vislab.check.observe._has_accelerator", lambda: accelerator)
    monkeypatch.setattr(torch, "manual_seed", lambda number: (asked.append(number), by_torch(number)))
    seed_generators(seed)
    assert torch.equal(torch.rand(4), expected) and asked == ([seed] if accelerator else [])
    assert np.random.random() == np.random.RandomState(seed % 2**32).random_sample() and random.random() == random.Random(seed).random()
