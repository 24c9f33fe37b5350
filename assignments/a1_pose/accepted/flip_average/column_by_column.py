"""Reads columns from the right."""

import torch
from torch import Tensor


def flip_average(maps: Tensor, mirrored: Tensor, twin: Tensor) -> Tensor:
    columns = torch.arange(maps.shape[-1] - 1, -1, -1)
    return torch.lerp(maps, mirrored.index_select(1, twin).index_select(-1, columns), 0.5)
