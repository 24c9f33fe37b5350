"""An exercise's own wrong terms: named when an answer equals one, silent otherwise, and never a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.exercise import Exercise
from autograder.exercise.expected import expect
from autograder.exercise.plan import make_plan
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, ModuleProbe, Out
from autograder.judge.diagnosis import named_wrong_term


class Mean(Exercise):
    """Mean over the last axis."""

    name, title, symbol, points = "toy.mean", "Mean", "mean", {"value": 1.0}
    diagnoses = {
        "fails on every input": lambda x: x.no_such_method(),
        "another shape": lambda x: x,
        "not finite": lambda x: x.mean(-1) / 0,
        "equal to the right one here": lambda x: x.sum(-1) / x.shape[-1],
        "the median": lambda x: x.median(-1).values,
        "the maximum": lambda x: (x.max(-1).values, "and more"),
    }

    def reference(self, x: Tensor) -> Tensor:
        return x.mean(-1)


CASE = Case("c", "value", lambda draw: (draw.normal(3, 7),))


def term(exercise: Exercise, case: Case, answer: Callable[[Inputs], Any]) -> str | None:
    inputs = case.inputs(b"\x05" * 32)
    expected = expect(exercise, case, inputs, b"\x06" * 32)
    plan = make_plan(exercise, case, inputs, expected.cotangents, 1)
    return named_wrong_term(exercise, case, plan, answer(inputs), expected)


def out(value: Tensor) -> dict[str, Tensor]:
    return {"out.0": value.float()}


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (lambda i: out(i.args[0].median(-1).values), "the median"),
        (lambda i: out(i.args[0].max(-1).values), "the maximum"),
        (lambda i: out(i.args[0].mean(-1)), None),
        (lambda i: out(i.args[0].min(-1).values), None),
        (lambda i: out(i.args[0].median(-1).values + 0.01), None),
        (lambda i: out(i.args[0]), None),
        (lambda i: out(torch.full((3,), float("nan"))), None),
        (lambda i: {}, None),
        (lambda i: {"grad.0": i.args[0].median(-1).values}, None),
    ],
    ids=["median", "maximum", "right", "minimum", "near the median", "other shape", "NaN", "nothing", "gradient only"],
)
def test_only_the_term_that_fits_is_named(answer: Callable[[Inputs], Any], name: str | None) -> None:
    assert term(Mean(), CASE, answer) == name


def test_every_kind_of_number_is_compared() -> None:
    for wrong in (lambda x: x < 0, lambda x: (x < 0).long(), lambda x: (x < 0).to(torch.uint8)):
        signs = type("Signs", (Mean,), {"diagnoses": {"the other sign": wrong}, "reference": lambda self, x: x > 0})()
        assert term(signs, CASE, lambda i: {"out.0": i.args[0] < 0}) == "the other sign"
        assert term(signs, CASE, lambda i: {"out.0": i.args[0] > 0}) is None


def test_a_call_that_must_raise_and_an_empty_answer_have_no_term() -> None:
    assert term(Mean(), Case("c", "value", CASE.draw, raises="ValueError"), lambda i: out(i.args[0].mean(-1))) is None
    assert term(Mean(), Case("c", "value", lambda draw: (draw.normal(0, 7),)), lambda i: out(torch.zeros(0))) is None


def test_modules_bring_their_weights() -> None:
    class Linear(Mean):
        probe = ModuleProbe()
        diagnoses = {"the bias forgotten": lambda x, *, weights, size: size * x @ weights["w"].T}

        def reference(self, x: Tensor, *, weights: dict[str, Tensor], size: int) -> Tensor:
            return size * x @ weights["w"].T + weights["b"]

    case = Case(
        "c", "value", lambda draw: Inputs((draw.normal(3, 4),), weights={"w": draw.normal(2, 4), "b": draw.normal(2)}, init={"size": 3})
    )
    assert term(Linear(), case, lambda i: out(3 * i.args[0] @ i.weights["w"].T)) == "the bias forgotten"


class Spread(Mean):
    """Mean over the last axis, and the variance around it."""

    diagnoses = {
        "the maximum": lambda x: x.max(-1).values,
        "not centred": lambda x: (x.mean(-1), x.square().mean(-1)),
        "divided by N - 1": lambda x: (x.mean(-1), x.var(-1)),
        "the median and N - 1": lambda x: (x.median(-1).values, x.var(-1)),
        "the median and squares": lambda x: (x.median(-1).values, x.square().sum(-1)),
        "the median and the spread": lambda x: (x.median(-1).values, x.std(-1)),
        "the spread": lambda x: (x.mean(-1), x.std(-1)),
        "words": lambda x: (x.mean(-1), "no tensor"),
    }

    def reference(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.mean(-1), x.var(-1, correction=0)


def pair(first: Callable[[Tensor], Tensor], second: Callable[[Tensor], Tensor]) -> Callable[[Inputs], dict[str, Tensor]]:
    return lambda inputs: {"out.0": first(inputs.args[0]).float(), "out.1": second(inputs.args[0]).float()}


def mean(x: Tensor) -> Tensor:
    return x.mean(-1)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (pair(mean, lambda x: x.square().mean(-1)), "not centred"),
        (pair(mean, lambda x: x.var(-1)), "divided by N - 1"),
        # the first one that is wrong is looked at, whatever the next one says.
        (pair(lambda x: x.max(-1).values, lambda x: x.var(-1)), "the maximum"),
        (pair(lambda x: x.median(-1).values, lambda x: x.square().sum(-1)), "the median and N - 1"),
        # another diagnosis has the same second output, but not the first, which is right.
        (pair(mean, lambda x: x.std(-1)), "the spread"),
        (pair(lambda x: x.min(-1).values, lambda x: x.var(-1)), None),
        # right where the term differs, wrong where it does not: the term of another output is none of this one.
        (pair(mean, lambda x: x.var(-1, correction=0)), None),
        (pair(mean, lambda x: x.var(-1) + 0.01), None),
        (pair(mean, lambda x: x.max(-1).values), None),
        (lambda i: {"out.1": i.args[0].var(-1).float()}, None),
    ],
    ids=[
        "second",
        "second again",
        "first",
        "both",
        "right before",
        "unknown first",
        "right",
        "near",
        "another output's term",
        "first missing",
    ],
)
def test_the_first_output_that_is_wrong_is_named(answer: Callable[[Inputs], Any], name: str | None) -> None:
    assert term(Spread(), CASE, answer) == name


def test_kernels_are_looked_at_without_their_guards() -> None:
    class Kernel(Mean):
        probe = KernelProbe()

        def launch(self, inputs: Inputs) -> Launch:
            return Launch((In(0), Out(0)), (Buffer((3,), 2),), (3,))

    def buffer(inputs: Inputs) -> dict[str, Tensor]:
        guarded = torch.full((7,), float("nan"))
        guarded[2:5] = inputs.args[0].median(-1).values.float()
        return {"out.0": guarded}

    assert term(Kernel(), CASE, buffer) == "the median"
