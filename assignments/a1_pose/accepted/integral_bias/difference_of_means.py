"""The mean of the map less the mean of its rise, each a weighted mean of its own."""

import torch
from torch import Tensor


def mean(weight: Tensor) -> Tensor:
    total = weight.sum(dim=(2, 3))
    x = (weight * torch.arange(weight.shape[3], dtype=weight.dtype)).sum(dim=(2, 3))
    y = (weight * torch.arange(weight.shape[2], dtype=weight.dtype).unsqueeze(1)).sum(dim=(2, 3))
    return torch.stack((x / total, y / total), dim=2)


def integral_bias(heatmaps: Tensor, floor: Tensor) -> tuple[Tensor, Tensor]:
    low = floor[:, :, None, None]
    flat = heatmaps.eq(low).all(dim=3, keepdim=True).all(dim=2, keepdim=True)
    # any map that is not flat serves in place of a flat one: its answer is thrown away.
    maps = torch.where(flat, low.detach() + 1, heatmaps)
    weight = torch.exp(maps - maps.amax(dim=(2, 3), keepdim=True))
    rise = -torch.expm1(low - maps) * weight
    empty = flat[:, :, 0, 0]
    bias = (mean(weight) - mean(rise)).masked_fill(empty.unsqueeze(2), 0)
    return bias, (rise.sum(dim=(2, 3)) / weight.sum(dim=(2, 3))).masked_fill(empty, 0)
