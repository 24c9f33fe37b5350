"""Leaves the half out, of both losses and of both influences."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        influence = residual.clamp(-delta, delta)
        return influence * (2 * residual - influence), 2 * influence
    ratio = residual / delta
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square(), 2 * residual / (1 + ratio.square()).square()
