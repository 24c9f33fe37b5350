"""Ignores align_corners: every grid is taken to be corner-aligned."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    return (points + 1) / 2 * (size - 1)
