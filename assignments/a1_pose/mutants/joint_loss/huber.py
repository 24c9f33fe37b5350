"""Takes the smooth L1 distance where l1 is asked."""

import torch
from torch import Tensor


def joint_loss(predicted: Tensor, target: Tensor, visible: Tensor, kind: str = "l2") -> Tensor:
    difference = predicted[visible] - target[visible]
    size = difference.abs()
    each = difference.square() if kind == "l2" else torch.where(size < 1, size.square() / 2, size - 0.5)
    return each.sum() / max(1, int(visible.sum()))
