"""Averages inside each person first, so a person with one visible joint weighs as much as a person with all."""

import torch
from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = torch.where(visible[..., None], predicted - target, 0.0)
    power = difference.square() if kind == "l2" else difference.abs()
    each = power.sum(dim=(1, 2)) / visible.sum(dim=1).clamp(min=1)
    return each.sum() / max(1, len(each))
