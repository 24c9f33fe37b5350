"""Clamps the logits so that the exponential cannot overflow: very different levels become equal."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    weights = heatmaps.clamp(-60, 60).exp()
    share = weights / weights.sum(dim=(2, 3), keepdim=True)
    x = (share * torch.arange(width, dtype=heatmaps.dtype)).sum(dim=(2, 3))
    y = (share * torch.arange(height, dtype=heatmaps.dtype)[:, None]).sum(dim=(2, 3))
    return torch.stack((x, y), dim=-1)
