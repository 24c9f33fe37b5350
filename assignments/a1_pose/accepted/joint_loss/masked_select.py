"""Flattens first and divides every distance by the count before the sum."""

from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    pairs = visible[..., None].expand_as(predicted)
    difference = predicted.masked_select(pairs) - target.masked_select(pairs)
    count = max(1, visible.count_nonzero().item())
    power = 2 if kind == "l2" else 1
    return (difference.abs().pow(power) / count).sum()
