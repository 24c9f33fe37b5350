"""A soft-max over all cells: the large square along one axis swallows the small one along the other."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    poses = torch.where(visible[..., None], poses, 0.0)
    x = torch.arange(width, dtype=poses.dtype) - poses[..., 0, None, None]
    y = torch.arange(height, dtype=poses.dtype)[:, None] - poses[..., 1, None, None]
    log = -(x**2 + y**2) / (2 * sigma**2)
    if mode == "sum":
        log = log.flatten(2).log_softmax(dim=-1).unflatten(-1, (height, width)) if log.numel() else log
    return log.exp() * visible[..., None, None]
