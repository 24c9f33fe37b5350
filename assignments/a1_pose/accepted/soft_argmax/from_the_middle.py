"""Measures positions from the middle of the map and multiplies by a matrix."""

import torch
from torch import Tensor


def soft_argmax(heatmaps: Tensor) -> Tensor:
    height, width = heatmaps.shape[2:]
    flat = heatmaps.nan_to_num(neginf=-3.0e38).flatten(2)
    weights = torch.exp(flat - flat.amax(dim=-1, keepdim=True))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=heatmaps.dtype)
    cells = torch.stack((columns, rows), dim=-1).reshape(-1, 2).to(heatmaps.dtype) - middle
    return weights @ cells / weights.sum(dim=-1, keepdim=True) + middle
