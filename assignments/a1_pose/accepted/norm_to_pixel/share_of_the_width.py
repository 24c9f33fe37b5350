"""Counts pixel edges from the left and takes the half pixel away at the end."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    margin = 0.5 if align_corners else 0.0
    share = 0.5 * points + 0.5
    return share * (size - 2 * margin) + margin - 0.5
