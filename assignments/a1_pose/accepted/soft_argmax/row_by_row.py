"""Walks down the rows with a running maximum, as the kernel does."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    columns = torch.arange(width, dtype=heatmaps.dtype)
    peak = heatmaps.new_full(heatmaps.shape[:2], -torch.inf)
    total = x = y = heatmaps.new_zeros(heatmaps.shape[:2])
    for row in range(height):
        logits = heatmaps[:, :, row]
        higher = torch.maximum(peak, logits.detach().amax(dim=-1))
        level = higher.masked_fill(torch.isneginf(higher), 0.0)
        shrink = torch.exp(peak - level)
        weights = torch.exp(logits - level[..., None])
        total = total * shrink + weights.sum(dim=-1)
        x = x * shrink + (weights * columns).sum(dim=-1)
        y = y * shrink + weights.sum(dim=-1) * row
        peak = higher
    blank = total == 0
    total = total.masked_fill(blank, 1.0)
    x = torch.where(blank, (width - 1) / 2, x / total)
    y = torch.where(blank, (height - 1) / 2, y / total)
    return torch.stack((x, y), dim=-1)
