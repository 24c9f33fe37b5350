"""Three sums for the three different entries of the matrix."""

import torch
from torch import Tensor


def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    weights = torch.exp(heatmaps - heatmaps.amax(dim=(2, 3), keepdim=True))
    share = weights / weights.sum(dim=(2, 3), keepdim=True)
    x = torch.arange(width, dtype=heatmaps.dtype)
    y = torch.arange(height, dtype=heatmaps.dtype)[:, None]
    dx = x - (share * x).sum(dim=(2, 3), keepdim=True)
    dy = y - (share * y).sum(dim=(2, 3), keepdim=True)
    xx = (share * dx * dx).sum(dim=(2, 3))
    xy = (share * dx * dy).sum(dim=(2, 3))
    yy = (share * dy * dy).sum(dim=(2, 3))
    return torch.stack((xx, xy, xy, yy), dim=-1).reshape(*xx.shape, 2, 2)
