"""Multiplies by a reciprocal instead of dividing."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    cells = size - 1 if align_corners else size
    unit = torch.where(cells > 0, 2 / cells.clamp(min=1), 0.0)
    return (points - (size - 1) / 2) * unit
