"""Outlines that pictures pull into place: gradient descent through a rasteriser, kept tidy by a second term."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from assignments.a2_shapes.exercises.coverage import centres
from autograder.exercise.behaviour import Band, BehaviourProbe
from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

HEIGHT, WIDTH, EXTENT = 24, 28, 1.6
OUTLINES, FINE = 8, 144
# each pixel is the mean of so many by so many hard ones.
PARTS, NOISE = 4, 0.08


def in_place(predictions: Tensor, shapes: Tensor) -> Tensor:
    """Count outlines [B, 2, N] that do not cross themselves and have an IoU of 0.93 or more with their shapes [B, 2, M].

    Areas by the even-odd rule, on 60 x 60 points of the square from -1.6 to 1.6.
    """
    where = torch.linspace(-1.575, 1.575, 60, dtype=shapes.dtype)
    y, x = (one.reshape(1, -1, 1) for one in torch.meshgrid(where, where, indexing="ij"))
    inside = []
    for polygons in (predictions, shapes):
        x0, y0 = (row[:, None] for row in polygons.unbind(dim=1))
        x1, y1 = x0.roll(-1, 2), y0.roll(-1, 2)
        crosses = (y0 > y) != (y1 > y)
        slope = (x1 - x0) / torch.where(y1 == y0, torch.ones_like(y0), y1 - y0)
        inside.append((crosses & (x < x0 + (y - y0) * slope)).sum(dim=2) % 2 == 1)
    both, either = (inside[0] & inside[1]).sum(dim=1), (inside[0] | inside[1]).sum(dim=1)
    # edges n and m cross where the ends of each lie on different sides of the other.
    first, edge = predictions, predictions.roll(-1, 2) - predictions
    sides = []
    for end in (first, first + edge):
        away = end[:, :, None] - first[:, :, :, None]
        sides.append(edge[:, 0, :, None] * away[:, 1] - edge[:, 1, :, None] * away[:, 0])
    apart = (sides[0] * sides[1]) < 0
    simple = ~(apart & apart.transpose(1, 2)).flatten(1).any(dim=1)
    return (simple & (both.double() >= 0.93 * either.clamp(min=1))).double().sum()


def blobs(draw: Draw, count: int) -> Tensor:
    """Smooth shapes with bays and arms ``[count, 2, FINE]``, each about a place of its own."""
    angle = torch.arange(FINE, dtype=torch.float64) * (2 * math.pi / FINE)
    radius = torch.ones(count, FINE, dtype=torch.float64)
    for waves, most in ((2, 0.27), (3, 0.36), (4, 0.27), (5, 0.18)):
        radius = radius + draw.uniform(0.3 * most, most, count, 1) * torch.cos(waves * angle + draw.uniform(0, 2 * math.pi, count, 1))
    radius = draw.uniform(0.65, 0.85, count, 1) * radius.clamp(min=0.25)
    # all of a shape lies inside the raster.
    radius = radius * (1.25 / radius.amax(dim=1, keepdim=True)).clamp(max=1)
    return radius[:, None] * torch.stack((angle.cos(), angle.sin())) + draw.uniform(-0.25, 0.25, count, 2, 1)


def photographed(shapes: Tensor) -> Tensor:
    """What a camera without noise sees of shapes ``[B, 2, M]``: the covered share of each pixel ``[B, 1, HEIGHT, WIDTH]``, by crossings."""
    x, y = (one[:, None] for one in centres(PARTS * HEIGHT, PARTS * WIDTH, EXTENT).unbind(dim=1))
    pictures = []
    for shape in shapes:
        (x0, y0), (x1, y1) = shape, shape.roll(-1, 1)
        spans = (y0 > y) != (y1 > y)
        right = x < x0 + (y - y0) * ((x1 - x0) / torch.where(y1 == y0, 1.0, y1 - y0))
        pictures.append(((spans & right).sum(dim=1) % 2).double().reshape(1, PARTS * HEIGHT, PARTS * WIDTH))
    return F.avg_pool2d(torch.stack(pictures), PARTS)


def task(draw: Draw) -> Inputs:
    """Case material: noisy pictures of shapes, the raster's centres, and a circle to begin with, whose vertices are counted anew."""
    shapes = blobs(draw, OUTLINES)
    pictures = photographed(shapes)
    pictures = pictures + NOISE * draw.normal(*pictures.shape)
    vertices = draw.whole(72, 85)
    angle = torch.arange(vertices, dtype=torch.float64) * (2 * math.pi / vertices)
    start = draw.uniform(0.5, 0.7, 1) * torch.stack((angle.cos(), angle.sin())) + draw.uniform(-0.15, 0.15, 2, 1)
    return Inputs((pictures, centres(HEIGHT, WIDTH, EXTENT), start), withheld=(shapes,))


class FitOutline(Exercise):
    """Pull a circle to the shape in each of several pictures."""

    name = "shapes.fit_outline"
    title = "Outlines fitted by gradient descent"
    symbol = "fit_outline"
    points = {Family.BEHAVIOUR: 5.0}
    probe = BehaviourProbe(
        metric=in_place,
        unit="outlines of 8 in place",
        bands=(Band(low=6.0), Band(low=5.0, share=0.5)),
        steps=200,
        allowance_s=30.0,
    )

    def baseline(self, pictures: Tensor, centres: Tensor, start: Tensor) -> Tensor:
        """The circle, where it stands."""
        return start.expand(len(pictures), *start.shape).clone()

    def cases(self) -> list[Case]:
        return [
            Case("eight shapes", Family.BEHAVIOUR, task, public=True),
            Case("eight other shapes", Family.BEHAVIOUR, task),
            Case("eight more shapes", Family.BEHAVIOUR, task),
        ]
