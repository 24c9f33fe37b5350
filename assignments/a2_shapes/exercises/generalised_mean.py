"""The mean of many shapes: all are turned onto it, again and again."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def turn(angle: Tensor) -> Tensor:
    """Rotation matrices ``[..., 2, 2]``, counter-clockwise for y up."""
    return torch.stack((torch.stack((angle.cos(), -angle.sin()), dim=-1), torch.stack((angle.sin(), angle.cos()), dim=-1)), dim=-2)


def family(count: int, vertices: int, rounds: int, noise: float = 0.3, far: float = 0.0, flat: int | None = None):
    """Case material: variations of one polygon, each turned, scaled and moved; number ``flat`` has all vertices in one place."""

    def material(draw: Draw) -> Inputs:
        angle = 2 * math.pi * (torch.arange(vertices) + draw.uniform(-0.3, 0.3, vertices)) / vertices
        # longer than wide, so that every shape has a direction of its own.
        star = draw.uniform(0.5, 1.5, vertices) * torch.stack((1.7 * angle.cos(), angle.sin()))
        shapes = star + draw.normal(count, 2, vertices, std=noise)
        shapes = draw.uniform(0.5, 2.0, count, 1, 1) * turn(draw.uniform(0.4, 2.7, count)) @ shapes + draw.normal(count, 2, 1) + far
        if flat is not None:
            shapes[flat] = draw.integers(-3, 4, 2, 1).double()
        return Inputs((shapes,), {"rounds": rounds})

    return material


def mean_of(shapes: Tensor, *, rounds: int, sized: bool = True) -> tuple[Tensor, Tensor]:
    """The specification in complex numbers, shape by shape."""
    units = []
    for shape in torch.complex(*shapes.unbind(dim=1)):
        centred = shape - shape.mean()
        size = centred.abs().square().sum().sqrt()
        units.append(centred / size if size > 1e-12 else torch.zeros_like(centred))
    mean, costs = units[0], []
    for _ in range(rounds):
        turned = []
        for unit in units:
            product = (unit.conj() * mean).sum()
            turned.append(unit * product / product.abs() if product.abs() > 0 else unit)
        mean = torch.stack(turned).mean(dim=0)
        mean = mean / mean.abs().square().sum().sqrt() if sized else mean
        costs.append(sum((unit - mean).abs().square().sum() for unit in turned))
    return torch.view_as_real(mean).T, torch.stack(costs)


def never_turned(shapes: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
    """The normalised mean of the normalised shapes as they lie."""
    units = shapes - shapes.mean(dim=2, keepdim=True)
    units = units / units.norm(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    mean = units.mean(dim=0) / units.mean(dim=0).norm()
    return mean, (units - mean).square().sum().expand(rounds)


class GeneralisedMean(Exercise):
    """The mean shape, by turning all shapes onto it again and again."""

    name = "shapes.generalised_mean"
    title = "Generalised Procrustes mean"
    symbol = "generalised_mean"
    points = {Family.VALUE: 1.75, Family.STABILITY: 0.5, Family.DTYPE: 0.25, Family.EDGE: 0.5}
    tolerance_factor = 64.0
    diagnoses = {
        "a mean that was not brought back to size 1": lambda shapes, *, rounds: mean_of(shapes, rounds=rounds, sized=False),
        "one round only": lambda shapes, *, rounds: (mean_of(shapes, rounds=1)[0], mean_of(shapes, rounds=1)[1].expand(rounds)),
        "the mean of shapes that are never turned": lambda shapes, *, rounds: never_turned(shapes, rounds),
    }

    def reference(self, shapes: Tensor, *, rounds: int) -> tuple[Tensor, Tensor]:
        return mean_of(shapes, rounds=rounds)

    def oracle(self, shapes: Tensor, *, rounds: int) -> tuple[Tensor, Tensor]:
        # angles by the arc tangent, costs by the inner product.
        units = shapes - shapes.mean(dim=2, keepdim=True)
        sizes = units.norm(dim=(1, 2), keepdim=True)
        units = torch.where(sizes < 1e-12, 0.0, units / sizes)
        mean, costs = units[0], []
        for _ in range(rounds):
            turned = []
            for unit in units:
                cosine, sine = (unit * mean).sum(), (unit[0] * mean[1] - unit[1] * mean[0]).sum()
                turned.append(turn(torch.atan2(sine, cosine)) @ unit)
            total = torch.stack(turned).sum(dim=0)
            mean = total / torch.linalg.matrix_norm(total)
            # |a - m|^2 = |a|^2 + 1 - 2 a m, and |a| is 1, or 0 for a shape without extent.
            costs.append((sizes > 1e-12).sum() + len(units) - 2 * (total * mean).sum())
        return mean, torch.stack(costs)

    def cases(self) -> list[Case]:
        return [
            Case("five shapes, four rounds", Family.VALUE, family(5, 7, 4), public=True),
            Case("five shapes, one round", Family.VALUE, family(5, 8, 1), public=True),
            Case("six shapes, drawn again", Family.VALUE, family(6, 9, 3)),
            Case("four shapes that differ a lot", Family.VALUE, family(4, 7, 5, noise=0.5)),
            Case("far from the origin", Family.STABILITY, family(4, 8, 3, far=50.0)),
            Case("far from the origin, drawn again", Family.STABILITY, family(5, 7, 3, far=-40.0)),
            Case("float64", Family.DTYPE, family(5, 7, 4), dtype="float64"),
            Case("float64, drawn again", Family.DTYPE, family(4, 8, 3), dtype="float64"),
            Case("one shape without extent", Family.EDGE, family(5, 7, 3, flat=2), public=True),
            Case("one shape without extent, drawn again", Family.EDGE, family(4, 8, 2, flat=3)),
            # its cost is zero but for rounding, and zero times any factor allows nothing.
            Case("a single shape", Family.EDGE, family(1, 7, 2), atol=1e-5),
            Case("two shapes", Family.EDGE, family(2, 8, 3)),
            Case("every second element of a wider buffer", Family.EDGE, family(5, 8, 3), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, family(5, 8, 3), layout="transposed"),
        ]
