"""Averages over coordinates, two for each joint, and so halves the loss."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted[visible] - target[visible]
    power = difference.square() if kind == "l2" else difference.abs()
    return power.sum() / max(1, 2 * int(visible.sum()))
