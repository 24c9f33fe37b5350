"""Leaves out empty cells before any logarithm is taken."""

import torch
from torch import Tensor


def heatmap_loss(logits: Tensor, target: Tensor, kind: str) -> Tensor:
    axes = (2, 3)
    highest = logits.amax(dim=axes, keepdim=True)
    said = logits - highest - torch.exp(logits - highest).sum(dim=axes, keepdim=True).log()
    share = torch.exp(said)
    if kind == "mse":
        return ((share - target) ** 2).mean(dim=axes)
    some = target > 0
    crossed = -torch.where(some, target * said, 0.0).sum(dim=axes)
    if kind == "ce":
        return crossed
    own = -(target * torch.where(some, target, 1.0).log()).sum(dim=axes)
    if kind == "kl":
        return crossed - own
    both = torch.where(share + target > 0, share + target, 2.0).div(2).log()
    return 0.5 * (-(target * both).sum(dim=axes) - own + (share * (said - both)).sum(dim=axes))
