"""Looks at the first person of the batch alone."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    predicted, target, visible = predicted[:1], target[:1], visible[:1]
    difference = predicted[visible] - target[visible]
    each = difference.square() if kind == "l2" else difference.abs()
    return each.sum() / max(1, int(visible.sum()))
