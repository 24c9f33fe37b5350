"""Replaces NaN labels and then multiplies by the mask: infinite ones still spread."""

import torch
from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    label = torch.where(target.isnan(), predicted.detach(), target)
    difference = predicted - label
    each = difference.square() if kind == "l2" else difference.abs()
    return (each.sum(dim=-1) * visible).sum() / visible.sum().clamp(min=1)
