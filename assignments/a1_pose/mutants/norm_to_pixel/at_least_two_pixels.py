"""Guards an image of one pixel as if a division threatened: its only centre moves."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        return (points + 1) / 2 * (size - 1).clamp(min=1)
    return ((points + 1) * size - 1) / 2
