"""Keeps probabilities away from zero and one, and with them the loss away from what it should be."""

import torch
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    share = torch.sigmoid(logits).clamp(1e-7, 1 - 1e-7)
    each = -torch.where(visible, torch.log(share), torch.log(1 - share))
    return each.sum() / max(1, each.numel())
