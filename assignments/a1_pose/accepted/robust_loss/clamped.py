"""Huber as the clipped residual times what is left of it, Geman-McClure as the square of a bounded residual."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        influence = residual.clamp(-delta, delta)
        return influence * (residual - influence / 2), influence
    ratio = residual / delta
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square() / 2, residual / (1 + ratio.square()).square()
