"""Stacks the maps of all people, which breaks when there is nobody."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    maps = []
    for person, shown in zip(poses, visible):
        safe = torch.where(shown[:, None], person, 0.0)
        rows = -((torch.arange(height) - safe[:, 1, None]) ** 2) / (2 * sigma**2)
        columns = -((torch.arange(width) - safe[:, 0, None]) ** 2) / (2 * sigma**2)
        rows, columns = (log.softmax(dim=-1) if mode == "sum" else log.exp() for log in (rows, columns))
        maps.append(rows[:, :, None] * columns[:, None, :] * shown[:, None, None])
    return torch.stack(maps)
