"""Divides by the residual: zero by zero where a prediction is exactly right."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    sign = residual / residual.abs()
    if kind == "huber":
        size = residual.abs().clamp(max=delta)
        return size * (residual.abs() - size / 2), size * sign
    ratio = residual / delta
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square() / 2, sign * residual.abs() / (1 + ratio.square()).square()
