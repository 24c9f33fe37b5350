"""Ignores align_corners: every grid is taken to be edge-aligned."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    return (2 * points + 1) / size - 1
