"""Measures positions from 0 to 1 on the way: a map of one column or row divides zero by zero."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    blank = torch.isneginf(heatmaps).flatten(2).all(dim=-1)[..., None, None]
    heatmaps = heatmaps.masked_fill(blank, 0.0)
    weights = torch.exp(heatmaps - heatmaps.amax(dim=(2, 3), keepdim=True))
    share = weights / weights.sum(dim=(2, 3), keepdim=True)
    x = (share * (torch.arange(width, dtype=heatmaps.dtype) / (width - 1))).sum(dim=(2, 3)) * (width - 1)
    y = (share * (torch.arange(height, dtype=heatmaps.dtype)[:, None] / (height - 1))).sum(dim=(2, 3)) * (height - 1)
    return torch.stack((x, y), dim=-1)
