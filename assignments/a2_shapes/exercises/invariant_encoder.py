"""An encoder that cannot know where an outline starts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from assignments.a2_shapes.exercises.circular_conv import written_out
from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import ModuleProbe
from vislab.check.verdict import Family

TAPS = 5


def outlines(draw: Draw, batch: int, vertices: int) -> Tensor:
    """Star-shaped polygons with random radii around a point of their own, ``[B, 2, N]``."""
    angle = (torch.arange(vertices, dtype=torch.float64) + draw.uniform(-0.3, 0.3, batch, vertices)) * (2 * torch.pi / vertices)
    radius = draw.uniform(0.4, 1.5, batch, vertices)
    return draw.normal(batch, 2, 1) + radius[:, None] * torch.stack((angle.cos(), angle.sin()), dim=1)


def material(batch: int, vertices: int, width: int = 7, latent: int = 4, stride: int = 1):
    """Case material: outlines and generic weights, biases included."""

    def drawn(draw: Draw) -> Inputs:
        weights = {}
        for layer, before, after in (("first", 2, width), ("second", width, width), ("last", width, latent)):
            weights[f"{layer}.weight"] = draw.normal(after, before, TAPS, std=1.4 * (before * TAPS) ** -0.5)
            weights[f"{layer}.bias"] = draw.normal(after, std=0.5)
        return Inputs((outlines(draw, batch, vertices),), weights=weights, init={"width": width, "latent": latent, "stride": stride})

    return drawn


def features(polygons: Tensor, weights: dict[str, Tensor], stride: int, bend: bool = True) -> Tensor:
    """What is pooled: ``[B, latent, N / stride]``."""
    hidden = written_out(polygons, weights["first.weight"], weights["first.bias"], stride)
    hidden = written_out(hidden.clamp(min=0) if bend else hidden, weights["second.weight"], weights["second.bias"])
    return written_out(hidden.clamp(min=0) if bend else hidden, weights["last.weight"], weights["last.bias"])


class InvariantEncoder(Exercise):
    """Circular convolutions and a mean over the ring: every roll of an outline gets the same code."""

    name = "shapes.invariant_encoder"
    title = "Invariant encoder"
    symbol = "InvariantEncoder"
    points = {Family.VALUE: 2.5, Family.GRADIENT: 1.25, Family.DTYPE: 0.5, Family.EDGE: 1.25, Family.PURITY: 0.5}
    probe = ModuleProbe()
    diagnoses = {
        "pooled by the maximum instead of the mean": lambda polygons, *, weights, stride, **_: features(polygons, weights, stride).amax(2),
        "pooled by the sum instead of the mean": lambda polygons, *, weights, stride, **_: features(polygons, weights, stride).sum(2),
        "the first vertex's features instead of the mean": lambda polygons, *, weights, stride, **_: features(polygons, weights, stride)[
            ..., 0
        ],
        "a ReLU after the last layer": lambda polygons, *, weights, stride, **_: features(polygons, weights, stride).clamp(min=0).mean(2),
        "no ReLU between the layers": lambda polygons, *, weights, stride, **_: features(polygons, weights, stride, bend=False).mean(2),
        "the stride ignored": lambda polygons, *, weights, stride, **_: features(polygons, weights, 1).mean(2),
    }

    def reference(self, polygons: Tensor, *, weights: dict[str, Tensor], width: int, latent: int, stride: int) -> Tensor:
        return features(polygons, weights, stride).mean(dim=2)

    def oracle(self, polygons: Tensor, *, weights: dict[str, Tensor], width: int, latent: int, stride: int) -> Tensor:
        def layer(signal: Tensor, name: str, stride: int = 1) -> Tensor:
            ring = F.pad(signal, (TAPS // 2, TAPS // 2), mode="circular")
            return F.conv1d(ring, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=stride)

        hidden = F.relu(layer(F.relu(layer(polygons, "first", stride)), "second"))
        return F.adaptive_avg_pool1d(layer(hidden, "last"), 1).flatten(1)

    def cases(self) -> list[Case]:
        return [
            Case("three outlines", Family.VALUE, material(3, 13), public=True),
            Case("stride two", Family.VALUE, material(3, 14, stride=2), public=True),
            Case("three outlines, drawn again", Family.VALUE, material(3, 17)),
            Case("other widths, stride two", Family.VALUE, material(4, 12, width=5, latent=6, stride=2)),
            Case("stride three", Family.VALUE, material(3, 18, width=6, latent=3, stride=3)),
            Case("gradient to outlines and weights", Family.GRADIENT, material(3, 12), public=True, wrt_weights=True),
            Case("gradient, stride two", Family.GRADIENT, material(3, 14, width=6, stride=2), wrt_weights=True),
            Case("gradient, one outline, stride three", Family.GRADIENT, material(1, 15, width=8, latent=5, stride=3), wrt_weights=True),
            Case("float64", Family.DTYPE, material(3, 13), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, material(3, 12, stride=2), dtype="float64", gradient=True, wrt_weights=True),
            Case("three vertices", Family.EDGE, material(3, 3), public=True),
            Case("many vertices", Family.EDGE, material(2, 101)),
            Case("a stride that does not divide the length", Family.EDGE, material(3, 13, stride=3)),
            Case("one outline, a code of one number", Family.EDGE, material(1, 10, latent=1)),
            Case("no outlines", Family.EDGE, material(0, 13)),
            Case("last two axes swapped in memory", Family.EDGE, material(3, 13), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3, 12, stride=2), layout="strided"),
        ]
