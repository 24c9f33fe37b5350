"""Keeps the mean out of the graph: about the mean, its derivative is zero."""

import torch
from torch import Tensor


def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    flat = heatmaps.flatten(2)
    share = torch.exp(flat - flat.logsumexp(dim=-1, keepdim=True))
    index = torch.arange(height * width)
    cells = torch.stack((index % width, index // width), dim=-1).to(heatmaps.dtype)
    away = cells - (share @ cells).detach()[..., None, :]
    return torch.einsum("bjn,bjnk,bjnl->bjkl", share, away, away)
