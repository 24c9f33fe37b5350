"""Avoids the division by zero, but puts the only pixel of an axis at -1 instead of in the middle."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        return torch.where(size > 1, 2 * points / (size - 1).clamp(min=1) - 1, -1.0)
    return (2 * points + 1) / size - 1
