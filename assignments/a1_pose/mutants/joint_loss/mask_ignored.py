"""Counts every joint, hidden or not."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted - target
    power = difference.square() if kind == "l2" else difference.abs()
    return power.sum() / max(1, visible.numel())
