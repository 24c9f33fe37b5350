"""Computes in float32 whatever comes in, so float64 points lose half of their digits and their dtype."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    points = points.float()
    size = torch.tensor([width, height], dtype=torch.float32)
    if align_corners:
        return (points + 1) / 2 * (size - 1)
    return ((points + 1) * size - 1) / 2
