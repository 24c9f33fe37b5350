"""Divides one square by another: infinity by infinity for large residuals, and zero times infinity for a large delta."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        influence = residual.clamp(-delta, delta)
        return influence * (residual - influence / 2), influence
    square = residual.square()
    whole = delta * delta * (1 / (torch.full_like(square, delta * delta) + square))
    return square / 2 * whole, residual * whole * whole
