"""Flattens with view, which fails on a map whose rows do not follow each other in memory."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    batch, joints, height, width = heatmaps.shape
    flat = heatmaps.view(batch, joints, height * width)
    blank = torch.isneginf(flat).all(dim=-1, keepdim=True)
    flat = flat.masked_fill(blank, 0.0)
    weights = torch.exp(flat - flat.amax(dim=-1, keepdim=True))
    share = weights / weights.sum(dim=-1, keepdim=True)
    index = torch.arange(height * width)
    return share @ torch.stack((index % width, index // width), dim=-1).to(heatmaps.dtype)
