"""Answers the mean of the map for every method."""

import torch
from torch import Tensor


def decode_heatmap(heatmaps: Tensor, method: str = "parabola") -> Tensor:
    height, width = heatmaps.shape[2:]
    share = heatmaps.clamp(min=0)
    share = share / share.sum(dim=(2, 3), keepdim=True).clamp(min=1e-30)
    x = (share.sum(dim=2) * torch.arange(width, dtype=heatmaps.dtype)).sum(dim=-1)
    y = (share.sum(dim=3) * torch.arange(height, dtype=heatmaps.dtype)).sum(dim=-1)
    return torch.stack((x, y), dim=-1)
