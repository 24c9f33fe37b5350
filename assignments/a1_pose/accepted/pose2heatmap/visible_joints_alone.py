"""Computes maps of the visible joints alone and writes them into a tensor of zeros."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    maps = poses.new_zeros(*visible.shape, height, width)
    x, y = poses[visible].unbind(-1)
    columns = torch.arange(width, device=poses.device) - x[:, None]
    rows = torch.arange(height, device=poses.device) - y[:, None]
    if mode == "sum":
        # the nearest cell's own square is taken off first, as the largest logit of a soft-max is.
        profiles = []
        for away in (rows, columns):
            square = away.square()
            weight = torch.exp((square.amin(dim=1, keepdim=True) - square) / (2 * sigma**2))
            profiles.append(weight / weight.sum(dim=1, keepdim=True))
    else:
        profiles = [torch.exp(-away.square() / (2 * sigma**2)) for away in (rows, columns)]
    return maps.index_put((visible,), torch.bmm(profiles[0][:, :, None], profiles[1][:, None, :]))
