"""Multiplies the centred positions by the root of their share, then a matrix by its transpose."""

import torch
from torch import Tensor


def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    flat = heatmaps.flatten(2)
    half = torch.exp((flat - flat.logsumexp(dim=-1, keepdim=True)) / 2)
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cells = torch.stack((xs, ys), dim=-1).reshape(-1, 2).to(heatmaps.dtype)
    mean = (half**2) @ cells
    factor = half[..., None] * (cells - mean[..., None, :])
    return factor.transpose(-1, -2) @ factor
