"""Takes the magnitude as the root of the square, whose gradient at zero is NaN."""

import torch
from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        size = residual.square().sqrt()
        near = size.clamp(max=delta)
        return near * (size - near / 2), near * residual.sign()
    size = residual.square().sqrt()
    bounded = size / torch.hypot(torch.ones_like(size), size / delta)
    return bounded.square() / 2, residual / (1 + (size / delta).square()).square()
