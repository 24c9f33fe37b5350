"""A net that draws: polygon in, picture of 32 x 32 pixels out."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import ModuleProbe
from vislab.check.verdict import Family


def material(batch: int, points: int = 9, channels: int = 8):
    """Case material: polygons and full-rank weights, all biases non-zero; about half of the hidden units are active."""

    def drawn(draw: Draw) -> Inputs:
        widths = (channels, channels // 2, channels // 4, 3)
        weights = {
            "first.weight": draw.normal(16 * channels, 2 * points, std=points**-0.5),
            "first.bias": draw.normal(16 * channels, std=0.5),
        }
        for number, (before, after) in enumerate(itertools.pairwise(widths), start=1):
            # four taps of the sixteen meet in every pixel.
            weights[f"up{number}.weight"] = draw.normal(before, after, 4, 4, std=(2 * before) ** -0.5)
            weights[f"up{number}.bias"] = draw.normal(after, std=0.3)
        return Inputs((draw.normal(batch, 2, points, mean=0.2),), weights=weights, init={"points": points, "channels": channels})

    return drawn


def doubled(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Zeros between the numbers, then a plain convolution with the kernel turned round: twice the height and width."""
    batch, channels, height, width = features.shape
    apart = features.new_zeros(batch, channels, 2 * height, 2 * width)
    apart[:, :, ::2, ::2] = features
    padded = F.pad(apart, (2, 1, 2, 1))
    windows = padded.unfold(2, 4, 1).unfold(3, 4, 1)
    return torch.einsum("bchwkl,cdkl->bdhw", windows, weight.flip(2, 3)) + bias[:, None, None]


def drawn_by(flat: Tensor, weights: dict[str, Tensor], *, bend_first: bool = True, bend_last: bool = False) -> Tensor:
    """The net, up to its last layer's sum."""
    features = flat @ weights["first.weight"].T + weights["first.bias"]
    features = features.clamp(min=0) if bend_first else features
    features = features.reshape(len(flat), len(weights["first.bias"]) // 16, 4, 4)
    for number in (1, 2):
        features = doubled(features, weights[f"up{number}.weight"], weights[f"up{number}.bias"]).clamp(min=0)
    features = doubled(features, weights["up3.weight"], weights["up3.bias"])
    return features.clamp(min=0) if bend_last else features


class NeuralRenderer(Exercise):
    """One linear layer, three transposed convolutions."""

    name = "shapes.renderer"
    title = "Neural renderer"
    symbol = "Renderer"
    points = {Family.VALUE: 1.75, Family.GRADIENT: 1.0, Family.DTYPE: 0.25, Family.EDGE: 0.75, Family.PURITY: 0.25}
    probe = ModuleProbe()
    diagnoses = {
        "no ReLU after the linear layer": lambda x, *, weights, **_: drawn_by(x.flatten(1), weights, bend_first=False).sigmoid(),
        "no sigmoid at the end": lambda x, *, weights, **_: drawn_by(x.flatten(1), weights),
        "a ReLU before the sigmoid": lambda x, *, weights, **_: drawn_by(x.flatten(1), weights, bend_last=True).sigmoid(),
        "a tanh at the end": lambda x, *, weights, **_: drawn_by(x.flatten(1), weights).tanh(),
        "x and y of each vertex side by side": lambda x, *, weights, **_: drawn_by(x.transpose(1, 2).flatten(1), weights).sigmoid(),
    }

    def reference(self, polygons: Tensor, *, weights: dict[str, Tensor], points: int, channels: int) -> Tensor:
        return drawn_by(polygons.flatten(1), weights).sigmoid()

    def oracle(self, polygons: Tensor, *, weights: dict[str, Tensor], points: int, channels: int) -> Tensor:
        features = F.relu(F.linear(polygons.flatten(1), weights["first.weight"], weights["first.bias"]))
        features = features.unflatten(1, (channels, 4, 4))
        for number in (1, 2, 3):
            features = features if number == 1 else F.relu(features)
            features = F.conv_transpose2d(features, weights[f"up{number}.weight"], weights[f"up{number}.bias"], stride=2, padding=1)
        return 1 / (1 + torch.exp(-features))

    def cases(self) -> list[Case]:
        return [
            Case("three polygons", Family.VALUE, material(3), public=True),
            Case("one polygon", Family.VALUE, material(1), public=True),
            Case("three polygons, drawn again", Family.VALUE, material(3)),
            Case("other sizes", Family.VALUE, material(3, points=7, channels=12)),
            Case("more vertices", Family.VALUE, material(4, points=17, channels=4)),
            Case("gradient to vertices and weights", Family.GRADIENT, material(3), public=True, wrt_weights=True),
            Case("gradient, drawn again", Family.GRADIENT, material(3, points=5, channels=4), wrt_weights=True),
            Case("float64", Family.DTYPE, material(3), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, material(3, channels=4), dtype="float64", gradient=True, wrt_weights=True),
            Case("triangles", Family.EDGE, material(4, points=3)),
            Case("no polygons", Family.EDGE, material(0)),
            Case("x and y alternating in memory", Family.EDGE, material(3), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3), layout="strided"),
        ]
