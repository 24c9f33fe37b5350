"""Has a slope of 1 beyond delta instead of delta: a jump in value and in influence."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        far = residual.abs() > delta
        value = torch.where(far, residual.abs() - delta / 2, residual.square() / 2)
        return value, torch.where(far, residual.sign(), residual)
    ratio = residual / delta
    bounded = residual / torch.hypot(torch.ones_like(ratio), ratio)
    return bounded.square() / 2, residual / (1 + ratio.square()).square()
