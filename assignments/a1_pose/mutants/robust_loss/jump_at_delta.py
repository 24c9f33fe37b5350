"""Forgets the half of delta that makes the line meet the parabola."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        far = residual.abs() > delta
        value = torch.where(far, delta * residual.abs(), residual.square() / 2)
        return value, torch.where(far, delta * residual.sign(), residual)
    ratio = residual / delta
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square() / 2, residual / (1 + ratio.square()).square()
