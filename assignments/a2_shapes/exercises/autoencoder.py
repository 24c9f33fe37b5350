"""The autoencoder of outlines, with given weights, and the angles between two subspaces."""

from __future__ import annotations

import scipy.linalg
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import ModuleProbe
from vislab.check.verdict import Family

LAYERS = ("inner", "code", "outer", "out")


def outlines(batch: int, vertices: int = 7, hidden: int = 11, codes: int = 3):
    """Case material: outlines, and full-rank weights with biases that are no zeros."""

    def material(draw: Draw) -> Inputs:
        sizes = (2 * vertices, hidden, codes, hidden, 2 * vertices)
        weights = {}
        for layer, fan_in, fan_out in zip(LAYERS, sizes, sizes[1:]):
            weights[f"{layer}.weight"] = draw.normal(fan_out, fan_in, std=fan_in**-0.5)
            weights[f"{layer}.bias"] = draw.normal(fan_out, std=0.5)
        return Inputs(
            (draw.normal(batch, 2, vertices) + 0.3,), weights=weights, init={"vertices": vertices, "hidden": hidden, "codes": codes}
        )

    return material


def four_layers(
    shapes: Tensor, weights: dict[str, Tensor], bends: tuple[bool, ...] = (True, False, True, False), mixed: bool = False
) -> Tensor:
    """The four layers written out; ``bends`` says after which of them stands a ReLU, ``mixed`` flattens x and y in turn."""
    flat = shapes.transpose(1, 2).flatten(1) if mixed else shapes.flatten(1)
    for layer, bend in zip(LAYERS, bends):
        flat = flat @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        flat = flat.clamp(min=0) if bend else flat
    return flat.reshape(shapes.shape)


class ShapeAutoencoder(Exercise):
    """Outline to a few codes and back."""

    name = "shapes.autoencoder"
    title = "Autoencoder of outlines"
    symbol = "ShapeAutoencoder"
    points = {Family.VALUE: 1.5, Family.GRADIENT: 0.75, Family.DTYPE: 0.25, Family.EDGE: 0.25, Family.PURITY: 0.25}
    probe = ModuleProbe()
    diagnoses = {
        "a ReLU on the codes": lambda shapes, *, weights, **_: four_layers(shapes, weights, (True, True, True, False)),
        "a ReLU on the output": lambda shapes, *, weights, **_: four_layers(shapes, weights, (True, False, True, True)),
        "no ReLU at all": lambda shapes, *, weights, **_: four_layers(shapes, weights, (False,) * 4),
        "x and y flattened in turn": lambda shapes, *, weights, **_: four_layers(shapes, weights, mixed=True),
    }

    def reference(self, shapes: Tensor, *, weights: dict[str, Tensor], vertices: int, hidden: int, codes: int) -> Tensor:
        return four_layers(shapes, weights)

    def oracle(self, shapes: Tensor, *, weights: dict[str, Tensor], vertices: int, hidden: int, codes: int) -> Tensor:
        def linear(values: Tensor, layer: str) -> Tensor:
            return F.linear(values, weights[f"{layer}.weight"], weights[f"{layer}.bias"])

        code = linear(F.relu(linear(torch.cat((shapes[:, 0], shapes[:, 1]), dim=1), "inner")), "code")
        out = linear(F.relu(linear(code, "outer")), "out")
        return torch.stack((out[:, :vertices], out[:, vertices:]), dim=1)

    def cases(self) -> list[Case]:
        return [
            Case("three outlines", Family.VALUE, outlines(3), public=True),
            Case("one outline", Family.VALUE, outlines(1), public=True),
            Case("five outlines, other sizes", Family.VALUE, outlines(5, 9, 13, 4)),
            Case("more codes than vertices", Family.VALUE, outlines(4, 5, 17, 8)),
            Case("gradient to outlines and weights", Family.GRADIENT, outlines(3), public=True, wrt_weights=True),
            Case("gradient, drawn again", Family.GRADIENT, outlines(4, 6, 9, 5), wrt_weights=True),
            Case("float64", Family.DTYPE, outlines(3), dtype="float64"),
            Case("no outlines", Family.EDGE, outlines(0), public=True),
            Case("a single code", Family.EDGE, outlines(3, codes=1)),
            Case("every second element of a wider buffer", Family.EDGE, outlines(3), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, outlines(3), layout="transposed"),
        ]


def pair(size: int, k: int, other: int | None = None, angle: float | None = None):
    """Case material: two sets of columns, neither orthonormal; ``angle`` turns all directions by about as much."""

    def material(draw: Draw):
        first = draw.normal(size, k)
        if angle is None:
            return first, draw.normal(size, other or k)
        near = torch.linalg.qr(first).Q + angle * torch.linalg.qr(draw.normal(size, k)).Q
        return first, near @ (torch.eye(k, dtype=torch.float64) + 0.3 * draw.normal(k, k) / k)

    return material


def angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles from both sine and cosine, each of which is blind at one end."""
    one, two = torch.linalg.qr(first).Q, torch.linalg.qr(second).Q
    cosine = torch.linalg.svdvals(one.T @ two)
    sine = torch.linalg.svdvals(two - one @ (one.T @ two)).flip(0)
    return torch.atan2(sine, cosine)


class PrincipalAngles(Exercise):
    """How far apart two subspaces are, whatever their bases."""

    name = "shapes.principal_angles"
    title = "Angles between two subspaces"
    symbol = "principal_angles"
    points = {Family.VALUE: 1.5, Family.STABILITY: 0.75, Family.DTYPE: 0.25, Family.EDGE: 0.25, Family.PURITY: 0.25}
    tolerance_factor = 64.0
    diagnoses = {
        "cosines instead of angles": lambda first, second: torch.cos(angles(first, second)),
        "the largest angle first": lambda first, second: angles(first, second).flip(0),
        "degrees": lambda first, second: torch.rad2deg(angles(first, second)),
    }

    def reference(self, first: Tensor, second: Tensor) -> Tensor:
        return angles(first, second)

    def oracle(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.from_numpy(scipy.linalg.subspace_angles(first.numpy(), second.numpy())[::-1].copy())

    def cases(self) -> list[Case]:
        return [
            Case("two planes", Family.VALUE, pair(7, 2), public=True),
            Case("three directions of nine", Family.VALUE, pair(9, 3), public=True),
            Case("three directions of eight, drawn again", Family.VALUE, pair(8, 3)),
            Case("four directions of eleven", Family.VALUE, pair(11, 4)),
            Case("angles of about a thousandth", Family.STABILITY, pair(9, 3, angle=1e-3), public=True),
            Case("angles of about a ten-thousandth", Family.STABILITY, pair(11, 3, angle=2e-4)),
            Case("float64", Family.DTYPE, pair(8, 3), dtype="float64"),
            Case("float64, angles of about 1e-7", Family.DTYPE, pair(10, 3, angle=1e-7), dtype="float64"),
            Case("two lines", Family.EDGE, pair(6, 1)),
            Case("every second element of a wider buffer", Family.EDGE, pair(9, 3), layout="strided"),
            Case("last two axes swapped in memory", Family.EDGE, pair(9, 3), layout="transposed"),
        ]
