"""Adds the square of the residual to delta instead of to its square."""

from torch import Tensor


def robust_loss(residual: Tensor, kind: str, delta: float = 1.0) -> tuple[Tensor, Tensor]:
    if kind == "huber":
        influence = residual.clamp(-delta, delta)
        return influence * (residual - influence / 2), influence
    share = delta / (delta + residual.square())
    return residual.square() / 2 * share, residual * share.square()
