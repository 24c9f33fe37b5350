"""Takes the shares out of the graph."""

import torch
from torch import Tensor


def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    flat = heatmaps.flatten(2)
    share = torch.exp(flat - flat.logsumexp(dim=-1, keepdim=True))
    index = torch.arange(height * width)
    cells = torch.stack((index % width, index // width), dim=-1).to(heatmaps.dtype)
    away = cells - (share @ cells)[..., None, :]
    return torch.einsum("bjn,bjnk,bjnl->bjkl", share.detach(), away, away)
