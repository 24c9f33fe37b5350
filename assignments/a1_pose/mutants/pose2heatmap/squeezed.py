"""Squeezes the answer: a single person, a single joint or a map of one row loses an axis."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    poses = torch.where(visible[..., None], poses, 0.0)
    columns = torch.arange(width, dtype=poses.dtype) - poses[..., 0, None]
    rows = torch.arange(height, dtype=poses.dtype) - poses[..., 1, None]
    columns, rows = -(columns**2) / (2 * sigma**2), -(rows**2) / (2 * sigma**2)
    if mode == "sum":
        columns, rows = columns.log_softmax(dim=-1), rows.log_softmax(dim=-1)
    maps = rows.exp()[..., :, None] * columns.exp()[..., None, :]
    return (maps * visible[..., None, None]).squeeze()
