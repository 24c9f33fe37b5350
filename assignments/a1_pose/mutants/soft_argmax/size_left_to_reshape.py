"""Leaves a size to reshape, which cannot tell it for a tensor without elements."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    batch, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(batch, joints, -1)
    flat = flat.masked_fill(torch.isneginf(flat).all(dim=-1, keepdim=True), 0.0)
    weights = torch.exp(flat - flat.amax(dim=-1, keepdim=True))
    share = weights / weights.sum(dim=-1, keepdim=True)
    index = torch.arange(height * width)
    return share @ torch.stack((index % width, index // width), dim=-1).to(heatmaps.dtype)
