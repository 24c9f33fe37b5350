"""Multiplies by a diagonal matrix and adds a vector."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    scale = (size - 1) / 2 if align_corners else size / 2
    return points @ torch.diag(scale) + (size - 1) / 2
