"""Compares everything, and then leaves out what is hidden: a comparison with NaN is false."""

from torch import Tensor


def pck(predicted: Tensor, target: Tensor, visible: Tensor, scale: Tensor, *, alpha: float) -> Tensor:
    off = (predicted - target).pow(2).sum(dim=-1).sqrt()
    found = (off <= alpha * scale[:, None]) & visible
    return found.sum().to(predicted.dtype) / visible.sum().clamp(min=1)
