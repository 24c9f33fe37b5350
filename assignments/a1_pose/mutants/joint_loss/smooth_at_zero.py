"""Rounds the corner of the absolute value by a millionth under a root."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted[visible] - target[visible]
    each = difference.square() if kind == "l2" else (difference.square() + 1e-6).sqrt()
    return each.sum() / max(1, int(visible.sum()))
