"""Splits a residual into what is inside delta and what exceeds it."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        inside = residual.clamp(min=-delta, max=delta)
        excess = (residual.abs() - delta).clamp(min=0)
        return inside.square() / 2 + delta * excess, inside
    ratio = residual / delta
    sine = ratio / torch.hypot(torch.ones_like(ratio), ratio)
    return (delta * sine).square() / 2, residual * (1 + ratio.square()).reciprocal().square()
