"""Computes and answers in single precision, whatever comes in."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted[visible].float() - target[visible].float()
    each = difference.square() if kind == "l2" else difference.abs()
    return each.sum() / max(1, int(visible.sum()))
