"""A loop over people and joints, one outer product each."""

import torch
from torch import Tensor


def pose2heatmap(poses: Tensor, visible: Tensor, height: int, width: int, sigma: float, mode: str = "peak") -> Tensor:
    maps = []
    for person, shown in zip(poses.flatten(0, 1), visible.flatten()):
        if not shown:
            maps.append(poses.new_zeros(height, width))
            continue
        rows, columns = (
            -((torch.arange(length) - place) ** 2) / (2 * sigma**2) for length, place in ((height, person[1]), (width, person[0]))
        )
        if mode == "sum":
            # the largest goes first: the logarithm of the sum is then a small number, and keeps its digits.
            rows, columns = rows - rows.max(), columns - columns.max()
            rows, columns = rows - rows.logsumexp(dim=0), columns - columns.logsumexp(dim=0)
        maps.append(torch.outer(rows.exp(), columns.exp()))
    stacked = torch.stack(maps) if maps else poses.new_zeros(0, height, width)
    return stacked.reshape(*visible.shape, height, width)
