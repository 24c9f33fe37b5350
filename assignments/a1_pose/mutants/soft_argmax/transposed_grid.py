"""Builds the coordinates with meshgrid's indices in the wrong order, so cells are numbered down the columns."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    blank = torch.isneginf(heatmaps).flatten(2).all(dim=-1)[..., None, None]
    heatmaps = heatmaps.masked_fill(blank, 0.0)
    flat = heatmaps.flatten(2)
    weights = torch.exp(flat - flat.amax(dim=-1, keepdim=True))
    share = weights / weights.sum(dim=-1, keepdim=True)
    xs, ys = torch.meshgrid(torch.arange(width), torch.arange(height), indexing="ij")
    cells = torch.stack((xs.flatten(), ys.flatten()), dim=-1).to(heatmaps.dtype)
    return share @ cells
