"""A loop over people and joints with an explicit sum over cells."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    batch, joints, height, width = heatmaps.shape
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    positions = heatmaps.new_zeros(batch, joints, 2)
    for b in range(batch):
        for j in range(joints):
            logits = heatmaps[b, j]
            if torch.isneginf(logits).all():
                logits = torch.zeros_like(logits)
            weights = (logits - logits.max()).exp()
            positions[b, j, 0] = (weights * xs).sum() / weights.sum()
            positions[b, j, 1] = (weights * ys).sum() / weights.sum()
    return positions
