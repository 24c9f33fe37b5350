"""Exercises small enough to reason about."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import Buffer, In, KernelProbe, Launch, ModuleProbe, Out, Stride
from vislab.check.verdict import Family


def noise(*shape: int, mean: float = 0.0, std: float = 1.0):
    return lambda draw: (draw.normal(*shape, mean=mean, std=std),)


class SquareSum(Exercise):
    """Row-wise sum of squares: a function with a gradient."""

    name = "toy.square_sum"
    title = "Sum of squares"
    symbol = "square_sum"
    points = {Family.VALUE: 4.0, Family.GRADIENT: 3.0, Family.EDGE: 2.0, Family.PURITY: 1.0}

    def reference(self, x: Tensor) -> Tensor:
        return (x * x).sum(-1)

    def oracle(self, x: Tensor) -> Tensor:
        return torch.linalg.vector_norm(x, dim=-1) ** 2

    def cases(self) -> list[Case]:
        return [
            Case("three rows", "value", noise(3, 5), public=True),
            Case("one row", "value", noise(1, 7)),
            Case("gradient", "gradient", noise(3, 5), public=True),
            Case("no rows", "edge", noise(0, 5), public=True),
        ]


class Head(Exercise):
    """One linear layer: a module with given weights."""

    name = "toy.head"
    title = "Linear head"
    symbol = "Head"
    points = {Family.VALUE: 1.0, Family.GRADIENT: 1.0}
    probe = ModuleProbe()

    def reference(self, x: Tensor, *, weights: dict[str, Tensor], inner: int, outer: int) -> Tensor:
        return x @ weights["linear.weight"].T + weights["linear.bias"]

    def material(self, draw: Draw) -> Inputs:
        weights = {"linear.weight": draw.normal(3, 4), "linear.bias": draw.normal(3)}
        return Inputs((draw.normal(5, 4),), weights=weights, init={"inner": 4, "outer": 3})

    def cases(self) -> list[Case]:
        return [
            Case("five rows", "value", self.material, public=True),
            Case("five rows, drawn again", "value", self.material),
            Case("gradient", "gradient", self.material, public=True, wrt_weights=True),
            Case("gradient, drawn again", "gradient", self.material, public=True, wrt_weights=True),
        ]


class RowSums(Exercise):
    """Row sums by a kernel."""

    name = "toy.row_sums"
    title = "Row sums"
    symbol = "row_sums"
    points = {Family.VALUE: 1.0}
    probe = KernelProbe()

    def reference(self, x: Tensor, block: int) -> Tensor:
        return x.sum(1)

    def launch(self, inputs: Inputs) -> Launch:
        x, block = inputs.args
        return Launch(
            (In(0), Out(0), x.shape[1], Stride(0, 0), Stride(0, 1), 0.5), (Buffer((x.shape[0],), 3),), (x.shape[0],), {"B": block}
        )

    def cases(self) -> list[Case]:
        return [Case(f"number {i}", "value", lambda draw: (draw.normal(4, 5), 8), public=i < 3) for i in range(4)]
