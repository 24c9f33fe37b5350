"""Extension: how unlikely a label is under a predicted point with a predicted variance."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family


def nll(predicted: Tensor, log_variance: Tensor, target: Tensor, kind: str) -> Tensor:
    """Negative logarithm of the density, summed over the two coordinates."""
    away = target - predicted
    if kind == "gaussian":
        each = (math.log(2 * math.pi) + log_variance + away.square() * torch.exp(-log_variance)) / 2
    else:
        # a Laplace density exp(-|r| / b) / 2 b has the variance 2 b².
        each = (math.log(2) + log_variance) / 2 + math.sqrt(2) * away.abs() * torch.exp(-log_variance / 2)
    return each.sum(dim=-1)


def points(kind: str, batch: int, joints: int):
    """Case material: points that miss their labels by a few pixels, variances that fit for some and not for others."""

    def material(draw: Draw) -> Inputs:
        target = draw.uniform(2.0, 30.0, batch, joints, 2)
        predicted = target + draw.normal(batch, joints, 2, std=2.0)
        return Inputs((predicted, draw.normal(batch, joints, 2, mean=0.8), target), {"kind": kind})

    return material


def extreme(kind: str, level: float, miss: float):
    """Case material: log-variances around ``level``; the labels are missed by about ``miss``."""

    def material(draw: Draw) -> Inputs:
        # near zero, so that the small distances are not lost when points and labels are rounded.
        target = draw.normal(3, 5, 2, std=miss)
        return Inputs((target + draw.normal(3, 5, 2, std=miss), level + draw.normal(3, 5, 2, std=0.5), target), {"kind": kind})

    return material


class PointNll(Exercise):
    """Gaussian and Laplace negative log-likelihood with a predicted log-variance. Bonus."""

    name = "pose.point_nll"
    title = "Likelihood of a point (extension)"
    symbol = "point_nll"
    points = {
        Family.VALUE: 1.5,
        Family.GRADIENT: 0.75,
        Family.STABILITY: 0.75,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.375,
        Family.PURITY: 0.1875,
        Family.RULE: 0.1875,
    }
    bonus = True
    forbidden = ("torch.nn.functional.gaussian_nll_loss",)
    tripwires = ("torch.distributions.Normal", "torch.distributions.Laplace")
    diagnoses = {
        "the constant left out": lambda predicted, log_variance, target, *, kind: (
            nll(predicted, log_variance, target, kind) - (math.log(2 * math.pi) if kind == "gaussian" else math.log(2))
        ),
        "the logarithm of the standard deviation instead of the variance": lambda predicted, log_variance, target, *, kind: nll(
            predicted, 2 * log_variance, target, kind
        ),
        "the half of the log-variance left out": lambda predicted, log_variance, target, *, kind: (
            nll(predicted, log_variance, target, kind) + log_variance.sum(dim=-1) / 2
        ),
        "the log-variance left out": lambda predicted, log_variance, target, *, kind: (
            nll(predicted, log_variance, target, kind) - log_variance.sum(dim=-1) / 2
        ),
        "the other kind of density": lambda predicted, log_variance, target, *, kind: nll(
            predicted, log_variance, target, "laplace" if kind == "gaussian" else "gaussian"
        ),
        "a Laplace density of variance b² instead of 2 b²": lambda predicted, log_variance, target, *, kind: nll(
            predicted, log_variance + math.log(2), target, kind
        ),
    }

    def reference(self, predicted: Tensor, log_variance: Tensor, target: Tensor, *, kind: str) -> Tensor:
        return nll(predicted, log_variance, target, kind)

    def oracle(self, predicted: Tensor, log_variance: Tensor, target: Tensor, *, kind: str) -> Tensor:
        from scipy import stats

        deviation = np.exp(log_variance.numpy() / 2)
        density = stats.norm if kind == "gaussian" else stats.laplace
        scale = deviation if kind == "gaussian" else deviation / math.sqrt(2)
        return torch.from_numpy(-density.logpdf(target.numpy(), loc=predicted.numpy(), scale=scale).sum(axis=-1))

    def cases(self) -> list[Case]:
        return [
            Case("gaussian", Family.VALUE, points("gaussian", 3, 7), public=True),
            Case("laplace", Family.VALUE, points("laplace", 3, 7), public=True),
            Case("gaussian, drawn again", Family.VALUE, points("gaussian", 3, 8)),
            Case("laplace, drawn again", Family.VALUE, points("laplace", 3, 8)),
            Case("gaussian, one person", Family.VALUE, points("gaussian", 1, 5)),
            Case("gradient, gaussian", Family.GRADIENT, points("gaussian", 3, 7), public=True),
            Case("gradient, laplace", Family.GRADIENT, points("laplace", 3, 7)),
            Case("gradient, gaussian, drawn again", Family.GRADIENT, points("gaussian", 1, 8)),
            Case("log-variances around -50", Family.STABILITY, extreme("gaussian", -50.0, 1e-9), gradient=True, wrt=(0, 1)),
            Case("log-variances around -50, laplace", Family.STABILITY, extreme("laplace", -50.0, 1e-9)),
            Case("log-variances around 50", Family.STABILITY, extreme("gaussian", 50.0, 1e9)),
            Case("log-variances around 150", Family.STABILITY, extreme("gaussian", 150.0, 1e9), public=True),
            Case("log-variances around 150, laplace", Family.STABILITY, extreme("laplace", 150.0, 1e9)),
            Case("float64, gaussian", Family.DTYPE, points("gaussian", 3, 7), dtype="float64"),
            Case("float64, laplace", Family.DTYPE, points("laplace", 3, 7), dtype="float64"),
            Case("no people", Family.EDGE, points("gaussian", 0, 7)),
            Case("last two axes swapped in memory", Family.EDGE, points("laplace", 3, 7), layout="transposed"),
            Case("every second element of a wider buffer", Family.EDGE, points("gaussian", 3, 7), layout="strided"),
        ]
