"""Replaces the difference at hidden joints by zero before anything is computed from it."""

import torch
from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = torch.where(visible.unsqueeze(-1), predicted - target, torch.zeros_like(predicted))
    if kind == "l2":
        total = torch.einsum("bjc,bjc->", difference, difference)
    else:
        total = difference.abs().sum()
    return total / visible.sum().clamp(min=1)
