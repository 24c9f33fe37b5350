"""Gives a single number an axis, and an empty batch a row."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    residual = torch.atleast_1d(residual)
    if residual.numel() == 0:
        residual = residual.new_zeros(1, *residual.shape[1:])
    if kind == "huber":
        influence = residual.clamp(-delta, delta)
        return influence * (residual - influence / 2), influence
    ratio = residual / delta
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square() / 2, residual / (1 + ratio.square()).square()
