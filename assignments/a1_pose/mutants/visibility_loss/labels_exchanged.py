"""Wants large logits for hidden joints."""

import torch
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    each = logits.clamp(min=0) - logits * ~visible + torch.log1p(torch.exp(-logits.abs()))
    return each.sum() / max(1, each.numel())
