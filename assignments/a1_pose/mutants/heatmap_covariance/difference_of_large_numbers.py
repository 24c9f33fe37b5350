"""Computes E[x x] - E[x] E[x]: right on paper, but in float32 a narrow peak far from the corner drowns in rounding."""

import torch
from torch import Tensor


def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    flat = heatmaps.flatten(2)
    share = torch.exp(flat - flat.logsumexp(dim=-1, keepdim=True))
    index = torch.arange(height * width)
    cells = torch.stack((index % width, index // width), dim=-1).to(heatmaps.dtype)
    mean = share @ cells
    second = torch.einsum("bjn,nc,nd->bjcd", share, cells, cells)
    return second - mean[..., :, None] * mean[..., None, :]
