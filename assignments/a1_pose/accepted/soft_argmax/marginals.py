"""Sums the soft-max over one axis first: x needs the column sums only, y the row sums."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[-2:]
    highest = heatmaps.amax(dim=(-2, -1), keepdim=True)
    heatmaps = torch.where(torch.isneginf(highest), 0.0, heatmaps)
    weights = torch.exp(heatmaps - heatmaps.amax(dim=(-2, -1), keepdim=True))
    columns, rows = weights.sum(dim=-2), weights.sum(dim=-1)
    x = columns @ torch.arange(width, dtype=heatmaps.dtype, device=heatmaps.device)
    y = rows @ torch.arange(height, dtype=heatmaps.dtype, device=heatmaps.device)
    return torch.stack((x, y), dim=-1) / columns.sum(dim=-1, keepdim=True)
