"""Exercises to be judged, and answers to them: right ones and wrong ones."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def noise(*shape: int):
    return lambda draw: (draw.normal(*shape, mean=2.0),)


class Double(Exercise):
    """Twice the input."""

    name = "toy.double"
    title = "Doubling"
    symbol = "double"
    points = {Family.VALUE: 4.0, Family.GRADIENT: 2.0, Family.EDGE: 2.0, Family.DTYPE: 1.0, Family.PURITY: 0.5, Family.RULE: 0.5}
    forbidden = ("torch.multiply",)
    tripwires = ("vislab.ops.soft_argmax.op.soft_argmax",)
    diagnoses = {
        "a tripled input": lambda x: 3 * x,
        "a diagnosis that cannot be computed": lambda x: x @ x @ torch.ones(7777),
        "a diagnosis that is no tensor": lambda x: "three",
    }

    def reference(self, x: Tensor) -> Tensor:
        return 2 * x

    def cases(self) -> list[Case]:
        return [
            Case("three rows", "value", noise(3, 4), public=True),
            Case("one row", "value", noise(1, 6), public=True),
            Case("hidden rows", "value", noise(3, 5)),
            Case("more hidden rows", "value", noise(2, 7)),
            Case("gradient", "gradient", noise(3, 4), public=True),
            Case("no rows", "edge", noise(0, 4)),
            Case("one number", "edge", noise(1)),
            Case("float64", "dtype", noise(3, 4), dtype="float64"),
        ]


class Root(Exercise):
    """The square root of positive numbers, an exception otherwise."""

    name = "toy.root"
    title = "Roots"
    symbol = "root"
    points = {Family.VALUE: 1.0, Family.EDGE: 1.0}
    bonus = True

    def reference(self, x: Tensor) -> Tensor:
        return x.sqrt()

    def cases(self) -> list[Case]:
        def positive(draw: Draw):
            return (draw.uniform(1.0, 9.0, 3, 4),)

        return [
            *(Case(f"positive {i}", "value", positive, public=i < 3) for i in range(4)),
            Case("a negative number", "edge", lambda draw: (-draw.uniform(1.0, 2.0, 3),), raises="ValueError"),
        ]


class Signs(Exercise):
    """Booleans, with a diagnosis that is one as well."""

    name = "toy.signs"
    title = "Signs"
    symbol = "signs"
    points = {Family.VALUE: 1.0}
    diagnoses = {"negative instead of positive": lambda x: x < 0}

    def reference(self, x: Tensor) -> Tensor:
        return x > 0

    def cases(self) -> list[Case]:
        return [Case(f"numbers {i}", "value", lambda draw: (draw.normal(4, 5),), public=i < 3) for i in range(4)]


class Broken(Double):
    """A reference that fails on the hidden rows: a fault of ours."""

    name = "toy.broken"

    def reference(self, x: Tensor) -> Tensor:
        if x.shape == (3, 5):
            raise ZeroDivisionError("the reference is broken")
        return 2 * x


def double(x: Tensor) -> Tensor:
    return x + x


def root(x: Tensor) -> Tensor:
    if bool((x < 0).any()):
        raise ValueError("negative")
    return x**0.5


EXERCISES: dict[str, Exercise] = {exercise.name: exercise for exercise in (Double(), Root(), Signs(), Broken())}
