"""Counts visible joints alone, so that saying "visible" is always right."""

import torch
from torch import Tensor


def visibility_loss(logits: Tensor, visible: Tensor) -> Tensor:
    each = (logits.clamp(min=0) - logits + torch.log1p(torch.exp(-logits.abs()))) * visible
    return each.sum() / max(1, each.numel())
