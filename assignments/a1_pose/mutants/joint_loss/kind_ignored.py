"""Computes the squared loss whatever kind is asked."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted[visible] - target[visible]
    return difference.square().sum() / max(1, int(visible.sum()))
