"""Direct regression: the head that turns a feature map into coordinates."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from autograder.exercise.probe import ModuleProbe
from vislab.check.verdict import Family


def material(batch: int, height: int, width: int, channels: int = 7, hidden: int = 11, joints: int = 5):
    """Case material: features and full-rank weights; all biases non-zero, about half of the hidden units active."""

    def drawn(draw: Draw) -> Inputs:
        # a mean of its own for each channel: averaging over many cells must not wash the features out.
        features = draw.normal(batch, channels, height, width) + draw.normal(batch, channels, 1, 1)
        weights = {
            "hidden.weight": draw.normal(hidden, channels, std=channels**-0.5),
            "hidden.bias": draw.normal(hidden, std=0.5),
            "out.weight": draw.normal(2 * joints, hidden, std=hidden**-0.5),
            "out.bias": draw.normal(2 * joints, std=0.5),
        }
        return Inputs((features,), weights=weights, init={"channels": channels, "hidden": hidden, "joints": joints})

    return drawn


def two_layers(pooled: Tensor, weights: dict[str, Tensor], bend: bool = True) -> Tensor:
    """Linear, ReLU (unless ``bend`` is false), linear, written out: ``[B, C]`` to ``[B, 2 J]``."""
    hidden = pooled @ weights["hidden.weight"].T + weights["hidden.bias"]
    return (hidden.clamp(min=0) if bend else hidden) @ weights["out.weight"].T + weights["out.bias"]


def pairs(flat: Tensor) -> Tensor:
    """x0 y0 x1 y1 … to ``[B, J, 2]``."""
    return flat.reshape(flat.shape[0], flat.shape[1] // 2, 2)


def halves(flat: Tensor, joints: int) -> Tensor:
    """x0 x1 … y0 y1 … to ``[B, J, 2]``."""
    return flat.reshape(flat.shape[0], 2, joints).transpose(1, 2)


class RegressionHead(Exercise):
    """Global average pooling, one hidden layer, two numbers per joint."""

    name = "pose.regression_head"
    title = "Regression head"
    symbol = "RegressionHead"
    points = {Family.VALUE: 2.5, Family.GRADIENT: 1.5, Family.DTYPE: 0.5, Family.EDGE: 1.0, Family.PURITY: 0.5}
    probe = ModuleProbe()
    diagnoses = {
        "pooled by the maximum instead of the mean": lambda features, *, weights, **_: pairs(two_layers(features.amax((2, 3)), weights)),
        "pooled by the sum instead of the mean": lambda features, *, weights, **_: pairs(two_layers(features.sum((2, 3)), weights)),
        "all x first and then all y": lambda features, *, weights, joints, **_: halves(two_layers(features.mean((2, 3)), weights), joints),
        "a tanh on the output": lambda features, *, weights, **_: pairs(two_layers(features.mean((2, 3)), weights)).tanh(),
        "a ReLU on the output": lambda features, *, weights, **_: pairs(two_layers(features.mean((2, 3)), weights)).clamp(min=0),
        "no ReLU between the layers": lambda features, *, weights, **_: pairs(two_layers(features.mean((2, 3)), weights, bend=False)),
    }

    def reference(self, features: Tensor, *, weights: dict[str, Tensor], channels: int, hidden: int, joints: int) -> Tensor:
        return pairs(two_layers(features.mean(dim=(2, 3)), weights))

    def oracle(self, features: Tensor, *, weights: dict[str, Tensor], channels: int, hidden: int, joints: int) -> Tensor:
        pooled = F.adaptive_avg_pool2d(features, 1).flatten(1)
        activated = F.relu(F.linear(pooled, weights["hidden.weight"], weights["hidden.bias"]))
        # joint by joint: rows 2 j and 2 j + 1 of the last layer are x and y of joint j.
        own_rows = [slice(2 * j, 2 * j + 2) for j in range(joints)]
        return torch.stack([F.linear(activated, weights["out.weight"][rows], weights["out.bias"][rows]) for rows in own_rows], dim=1)

    def cases(self) -> list[Case]:
        return [
            Case("three images", Family.VALUE, material(3, 6, 9), public=True),
            Case("one image", Family.VALUE, material(1, 6, 9), public=True),
            Case("three images, drawn again", Family.VALUE, material(3, 8, 5)),
            Case("other sizes", Family.VALUE, material(3, 4, 10, channels=9, hidden=6, joints=4)),
            Case("more hidden units than channels", Family.VALUE, material(2, 7, 3, channels=5, hidden=23, joints=6)),
            Case("gradient to features and weights", Family.GRADIENT, material(3, 6, 9), public=True, wrt_weights=True),
            Case("gradient to features and weights, drawn again", Family.GRADIENT, material(3, 5, 8), wrt_weights=True),
            Case("gradient, one image", Family.GRADIENT, material(1, 4, 7, channels=6, hidden=13, joints=3), wrt_weights=True),
            Case("float64", Family.DTYPE, material(3, 6, 9), dtype="float64"),
            Case("float64, gradient", Family.DTYPE, material(3, 5, 7), dtype="float64", gradient=True, wrt_weights=True),
            Case("one image, one joint", Family.EDGE, material(1, 6, 9, joints=1), public=True),
            Case("feature map of one cell", Family.EDGE, material(3, 1, 1)),
            Case("no images", Family.EDGE, material(0, 6, 9)),
            Case("last two axes swapped in memory", Family.EDGE, material(3, 6, 9), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, material(3, 6, 9), layout="strided"),
        ]
