"""Losses that an outlier cannot own: Huber and Geman-McClure, value and derivative."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from autograder.exercise.case import Case, Inputs
from autograder.exercise.draw import Draw
from autograder.exercise.exercise import Exercise
from vislab.check.verdict import Family

Pair = tuple[Tensor, Tensor]


def huber(residual: Tensor, delta: float) -> Pair:
    """Half the square near zero, a straight line of slope delta beyond."""
    far = residual.abs() > delta
    # the half square of a far residual is not needed, and an infinite one would spoil the gradient.
    near = torch.where(far, 0.0, residual)
    return torch.where(far, delta * (residual.abs() - delta / 2), near.square() / 2), torch.where(far, delta * residual.sign(), near)


def geman_mcclure(residual: Tensor, delta: float) -> Pair:
    """Half the square near zero, half of delta squared far away."""
    share = delta**2 / (delta**2 + residual.square())
    return residual.square() / 2 * share, residual * share.square()


def robust(residual: Tensor, kind: str, delta: float) -> Pair:
    """Either of the two."""
    return huber(residual, delta) if kind == "huber" else geman_mcclure(residual, delta)


def residuals(kind: str, *shape: int, spread: float = 2.0):
    """Case material: residuals of either sign on either side of a drawn delta."""
    return lambda draw: Inputs((draw.normal(*shape, std=spread),), {"kind": kind, "delta": draw.number(0.6, 1.7)})


def wild(kind: str, size: float):
    """Case material: half of the residuals are about ``size``, of either sign."""

    def material(draw: Draw) -> Inputs:
        small, large = draw.normal(3, 5, 2, std=2.0), size * draw.uniform(0.5, 2.0, 3, 5, 2)
        sign = torch.where(draw.mask(0.5, 3, 5, 2), 1.0, -1.0)
        return Inputs((torch.where(draw.mask(0.5, 3, 5, 2), small, sign * large),), {"kind": kind, "delta": draw.number(0.6, 1.7)})

    return material


def without_limit(kind: str, delta: float):
    """Case material: a delta so large that every residual is near."""
    return lambda draw: Inputs((draw.normal(3, 5, 2, std=2.0),), {"kind": kind, "delta": delta})


def exact(kind: str):
    """Case material: some residuals are zero, others ordinary."""

    def material(draw: Draw) -> Inputs:
        values = draw.normal(3, 5, 2, std=2.0)
        values[:, ::2] = 0.0
        return Inputs((values,), {"kind": kind, "delta": draw.number(0.6, 1.7)})

    return material


class RobustLoss(Exercise):
    """Value and influence of two robust losses, element by element."""

    name = "pose.robust_loss"
    title = "Robust losses"
    symbol = "robust_loss"
    points = {
        Family.VALUE: 1.75,
        Family.GRADIENT: 0.75,
        Family.STABILITY: 0.75,
        Family.DTYPE: 0.25,
        Family.EDGE: 0.25,
        Family.PURITY: 0.125,
        Family.RULE: 0.125,
    }
    forbidden = ("torch.nn.functional.huber_loss", "torch.nn.functional.smooth_l1_loss")
    diagnoses = {
        "half the square everywhere: nothing robust about it": lambda residual, *, kind, delta: residual.square() / 2,
        "the smooth L1 loss, which is Huber's divided by delta": lambda residual, *, kind, delta: huber(residual, delta)[0] / delta,
        "a slope of 1 beyond delta instead of delta": lambda residual, *, kind, delta: torch.where(
            residual.abs() > delta, residual.abs() - delta / 2, residual.square() / 2
        ),
        "a delta of 1 instead of the given one": lambda residual, *, kind, delta: robust(residual, kind, 1.0)[0],
        "a loss that tends to one half instead of half of delta squared": lambda residual, *, kind, delta: (
            geman_mcclure(residual, delta)[0] / delta**2
        ),
        "the other kind of loss": lambda residual, *, kind, delta: robust(
            residual, "huber" if kind == "geman_mcclure" else "geman_mcclure", delta
        )[0],
        "the influence in the place of the value": lambda residual, *, kind, delta: robust(residual, kind, delta)[1],
    }

    def reference(self, residual: Tensor, kind: str, delta: float = 1.0) -> Pair:
        return robust(residual, kind, delta)

    def oracle(self, residual: Tensor, *, kind: str, delta: float) -> Pair:
        from scipy import special

        values = residual.numpy()
        if kind == "huber":
            value = np.asarray(special.huber(delta, values))
        else:
            # one number after the other, in the form that divides above and below by the square.
            flat = [0.5 / (1 / r**2 + 1 / delta**2) if r else 0.0 for r in values.ravel().tolist()]
            value = np.array(flat).reshape(values.shape)
        leaf = residual.clone().requires_grad_(True)
        by_torch = (
            torch.nn.functional.huber_loss(leaf, torch.zeros_like(leaf), reduction="sum", delta=delta)
            if kind == "huber"
            else (0.5 * delta**2 * (1 - 1 / (1 + (leaf / delta).square()))).sum()
        )
        with torch.enable_grad():
            (influence,) = torch.autograd.grad(by_torch, leaf) if by_torch.requires_grad else (torch.zeros_like(leaf),)
        return torch.from_numpy(value), influence

    def cases(self) -> list[Case]:
        return [
            Case("huber", Family.VALUE, residuals("huber", 3, 7, 2), public=True),
            Case("geman_mcclure", Family.VALUE, residuals("geman_mcclure", 3, 7, 2), public=True),
            Case("huber, drawn again", Family.VALUE, residuals("huber", 3, 8, 2)),
            Case("geman_mcclure, drawn again", Family.VALUE, residuals("geman_mcclure", 3, 8, 2)),
            Case("huber, one axis", Family.VALUE, residuals("huber", 23)),
            Case("geman_mcclure, far away", Family.VALUE, residuals("geman_mcclure", 3, 8, 2, spread=15.0)),
            Case("gradient, huber", Family.GRADIENT, residuals("huber", 3, 7, 2), public=True),
            Case("gradient, geman_mcclure", Family.GRADIENT, residuals("geman_mcclure", 3, 7, 2)),
            Case("gradient, huber, drawn again", Family.GRADIENT, residuals("huber", 1, 9, 2)),
            Case("huber, residuals of 1e8", Family.STABILITY, wild("huber", 1e8), gradient=True),
            Case("geman_mcclure, residuals of 1e8", Family.STABILITY, wild("geman_mcclure", 1e8), public=True, gradient=True),
            Case("huber, residuals of 1e25", Family.STABILITY, wild("huber", 1e25)),
            Case("geman_mcclure, residuals of 1e25", Family.STABILITY, wild("geman_mcclure", 1e25)),
            Case("huber, delta 1e30", Family.STABILITY, without_limit("huber", 1e30), gradient=True),
            Case("geman_mcclure, delta 1e30", Family.STABILITY, without_limit("geman_mcclure", 1e30), gradient=True),
            Case("float64, huber", Family.DTYPE, residuals("huber", 3, 7, 2), dtype="float64"),
            Case("float64, geman_mcclure", Family.DTYPE, residuals("geman_mcclure", 3, 7, 2), dtype="float64"),
            Case("residuals of zero, huber", Family.EDGE, exact("huber"), gradient=True),
            Case("residuals of zero, geman_mcclure", Family.EDGE, exact("geman_mcclure"), gradient=True),
            Case("no people", Family.EDGE, residuals("huber", 0, 7, 2)),
            Case("a single number", Family.EDGE, residuals("geman_mcclure")),
            Case("last two axes swapped in memory", Family.EDGE, residuals("huber", 3, 7, 2), layout="transposed"),
        ]
