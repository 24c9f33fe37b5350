"""Flattens with view, which tensors that do not lie in one piece in memory refuse."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    chosen = visible.reshape(-1)
    difference = predicted.view(-1, 2)[chosen] - target.view(-1, 2)[chosen]
    each = difference.square() if kind == "l2" else difference.abs()
    return each.sum() / max(1, int(chosen.sum()))
