"""Divides by 2 pi sigma squared, the area of a bell on an endless plane, instead of the sum over the cells."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    poses = torch.where(visible[..., None], poses, 0.0)
    columns = torch.arange(width, dtype=poses.dtype) - poses[..., 0, None]
    rows = torch.arange(height, dtype=poses.dtype) - poses[..., 1, None]
    columns, rows = -(columns**2) / (2 * sigma**2), -(rows**2) / (2 * sigma**2)
    maps = rows.exp()[..., :, None] * columns.exp()[..., None, :]
    if mode == "sum":
        maps = maps / (2 * torch.pi * sigma**2)
    return maps * visible[..., None, None]
