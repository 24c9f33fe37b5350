"""Selects the branch before anything is squared."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        far = residual.abs() > delta
        near = residual.masked_fill(far, 0.0)
        value = torch.where(far, delta * residual.abs() - delta * delta / 2, near.square() / 2)
        return value, torch.where(far, torch.full_like(residual, delta).copysign(residual), near)
    far = residual.abs() > delta
    near = torch.where(far, 0.0, residual)
    inverse = delta / torch.where(far, residual, torch.inf)
    inside, outside = 1 + (near / delta).square(), 1 + inverse.square()
    value = torch.where(far, min(delta, 1e15) ** 2 / 2 / outside, near.square() / 2 / inside)
    return value, torch.where(far, delta * inverse**3 / outside.square(), near / inside.square())
