"""Stretches a corner-aligned grid over W pixels instead of the W - 1 steps between their centres."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        return (points + 1) / 2 * size
    return ((points + 1) * size - 1) / 2
