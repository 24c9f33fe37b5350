"""Centred positions and one einsum."""

import torch
from torch import Tensor


def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    flat = heatmaps.flatten(2)
    share = torch.softmax(flat, dim=-1)
    index = torch.arange(height * width)
    cells = torch.stack((index % width, index // width), dim=-1).to(heatmaps.dtype)
    away = cells - (share @ cells).unsqueeze(-2)
    return torch.einsum("bjn,bjnc,bjnd->bjcd", share, away, away)
