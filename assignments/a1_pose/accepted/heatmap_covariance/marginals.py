"""Takes the variances from the sums over rows and columns, and the covariance as a bilinear form."""

import torch
from torch import Tensor


def heatmap_covariance(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    weights = torch.exp(heatmaps - heatmaps.amax(dim=(2, 3), keepdim=True).detach())
    share = weights / weights.sum(dim=(2, 3), keepdim=True)
    of_columns, of_rows = share.sum(dim=2), share.sum(dim=3)
    columns = torch.arange(width, dtype=heatmaps.dtype)
    rows = torch.arange(height, dtype=heatmaps.dtype)
    x = columns - (of_columns @ columns)[..., None]
    y = rows - (of_rows @ rows)[..., None]
    xx = (of_columns * x * x).sum(dim=2)
    yy = (of_rows * y * y).sum(dim=2)
    xy = (y[..., None, :] @ share @ x[..., None])[..., 0, 0]
    return torch.stack((xx, xy, xy, yy), dim=-1).unflatten(-1, (2, 2))
