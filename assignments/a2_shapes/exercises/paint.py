"""Shapes painted one above the other, and above a background."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def above(coverages: Tensor, fills: Tensor, background: Tensor, opacity: bool = True) -> Tensor:
    """Paint from the first shape to the last; without ``opacity`` colours are added up instead."""
    picture = background.clone()
    for s in range(coverages.shape[1]):
        share, colour = coverages[:, s : s + 1], fills[:, s, :, None, None]
        picture = share * colour + ((1 - share) * picture if opacity else picture)
    return picture


def material(count: int, shapes: int, height: int, width: int):
    """Case material: everything strictly between 0 and 1."""
    return lambda draw: Inputs(
        (
            draw.uniform(0.05, 0.95, count, shapes, height, width),
            draw.uniform(0.05, 0.95, count, shapes, 3),
            draw.uniform(0.05, 0.95, count, 3, height, width),
        )
    )


def full_and_empty(draw: Draw) -> Inputs:
    """Case material: every pixel of every shape is covered, or is not."""
    return Inputs((draw.mask(0.5, 3, 4, 5, 7).double(), draw.uniform(0.1, 0.9, 3, 4, 3), draw.uniform(0.1, 0.9, 3, 3, 5, 7)))


class Paint(Exercise):
    """Painter's order: later shapes hide earlier ones by their coverage."""

    name = "shapes.paint"
    title = "Shapes over a background"
    symbol = "paint"
    points = {Family.VALUE: 1.25, Family.GRADIENT: 0.75, Family.DTYPE: 0.25, Family.EDGE: 0.5, Family.PURITY: 0.25}
    diagnoses = {
        "the last shape lowest": lambda cover, fills, ground: above(cover.flip(1), fills.flip(1), ground),
        "colours added, nothing hidden": lambda cover, fills, ground: above(cover, fills, ground, opacity=False),
        "coverage and its complement exchanged": lambda cover, fills, ground: above(1 - cover, fills, ground),
        "red and blue exchanged": lambda cover, fills, ground: above(cover, fills.flip(2), ground),
    }

    def reference(self, coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
        return above(coverages, fills, background)

    def oracle(self, coverages: Tensor, fills: Tensor, background: Tensor) -> Tensor:
        # what is seen of a shape is its coverage times what all later shapes let through.
        through = torch.ones_like(background[:, :1])
        total = torch.zeros_like(background)
        for s in reversed(range(coverages.shape[1])):
            total = total + torch.einsum("bhw,bc->bchw", coverages[:, s] * through[:, 0], fills[:, s])
            through = through * (1 - coverages[:, s : s + 1])
        return total + through * background

    def cases(self) -> list[Case]:
        return [
            Case("four shapes", Family.VALUE, material(3, 4, 5, 7), public=True),
            Case("two shapes, one picture", Family.VALUE, material(1, 2, 6, 5), public=True),
            Case("four shapes, drawn again", Family.VALUE, material(3, 4, 6, 8)),
            Case("five shapes", Family.VALUE, material(2, 5, 7, 4)),
            Case("gradient to coverage, colours and background", Family.GRADIENT, material(3, 4, 5, 7), public=True),
            Case("gradient, drawn again", Family.GRADIENT, material(2, 3, 6, 5)),
            Case("float64", Family.DTYPE, material(3, 4, 5, 7), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, material(3, 2, 4, 6), dtype="float64", gradient=True),
            Case("covered wholly or not at all", Family.EDGE, full_and_empty),
            Case("one shape", Family.EDGE, material(3, 1, 5, 7)),
            Case("no shapes: the background", Family.EDGE, material(3, 0, 5, 7), public=True),
            Case("no pictures", Family.EDGE, material(0, 4, 5, 7)),
            Case("rows and columns exchanged in memory", Family.EDGE, material(3, 4, 5, 7), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3, 4, 5, 7), layout="strided"),
        ]
