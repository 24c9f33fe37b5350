"""Uses a delta of 1 whatever is given."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        influence = residual.clamp(-1, 1)
        return influence * (residual - influence / 2), influence
    bounded = residual / torch.hypot(torch.ones_like(residual), residual)
    return bounded.square() / 2, residual / (1 + residual.square()).square()
