"""Divides exponentials by their sum: 0 / 0 as soon as the joint is far away."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    poses = torch.where(visible[..., None], poses, 0.0)
    columns = torch.arange(width, dtype=poses.dtype) - poses[..., 0, None]
    rows = torch.arange(height, dtype=poses.dtype) - poses[..., 1, None]
    columns, rows = -(columns**2) / (2 * sigma**2), -(rows**2) / (2 * sigma**2)
    maps = rows.exp()[..., :, None] * columns.exp()[..., None, :]
    if mode == "sum":
        maps = maps / maps.sum(dim=(-2, -1), keepdim=True)
    return torch.where(visible[..., None, None], maps, 0.0)
