"""Adds the two normalised logarithms and takes one exponential of every cell."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    cells = [torch.arange(length, dtype=poses.dtype, device=poses.device) for length in (width, height)]
    hidden = ~visible
    logs = []
    for axis, cell in enumerate(cells):
        place = poses[..., axis].masked_fill(hidden, 0.0)
        log = -((place[..., None] - cell) ** 2) / (2.0 * sigma * sigma)
        logs.append(torch.log_softmax(log, dim=-1) if mode == "sum" else log)
    together = logs[0][..., None, :] + logs[1][..., :, None]
    return together.masked_fill(hidden[..., None, None], -torch.inf).exp()
