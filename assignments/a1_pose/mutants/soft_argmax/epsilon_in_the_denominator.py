"""Adds a millionth to the sum of the weights."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    blank = torch.isneginf(heatmaps).all(dim=3, keepdim=True).all(dim=2, keepdim=True)
    heatmaps = heatmaps.masked_fill(blank, 0.0)
    weights = torch.exp(heatmaps - heatmaps.amax(dim=(2, 3), keepdim=True).detach())
    share = weights / (weights.sum(dim=(2, 3), keepdim=True) + 1e-6)
    x = (share * torch.arange(width, dtype=heatmaps.dtype)).sum(dim=(2, 3))
    y = (share * torch.arange(height, dtype=heatmaps.dtype)[:, None]).sum(dim=(2, 3))
    return torch.stack((x, y), dim=-1)
