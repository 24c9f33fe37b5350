"""Counts every joint where none is visible, so that there is something to divide by."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    if not bool(visible.any()):
        visible = visible.logical_not()
    difference = predicted[visible] - target[visible]
    each = difference.square() if kind == "l2" else difference.abs()
    return each.sum() / max(1, int(visible.sum()))
