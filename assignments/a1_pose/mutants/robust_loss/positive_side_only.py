"""Asks whether the residual exceeds delta, and forgets the negative side."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        far = residual > delta
        value = torch.where(far, delta * (residual - delta / 2), residual.square() / 2)
        return value, torch.where(far, delta, residual)
    ratio = residual / delta
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square() / 2, residual / (1 + ratio.square()).square()
