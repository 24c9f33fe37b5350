"""Normalises to 0..1 instead of -1..1."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        return points / (size - 1).clamp(min=1)
    return (points + 0.5) / size
