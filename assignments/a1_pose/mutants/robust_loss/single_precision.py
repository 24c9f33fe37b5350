"""Computes in float32 whatever comes in."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        near = residual.float().clamp(-delta, delta)
        return (near * (residual.float() - near / 2)).to(residual.dtype), near.to(residual.dtype)
    ratio = residual.float() / delta
    bounded = residual.float() / torch.hypot(torch.ones_like(ratio), ratio)
    influence = residual.float() / (1 + ratio.square()).square()
    return (bounded.square() / 2).to(residual.dtype), influence.to(residual.dtype)
