"""Forgets that the outer edge of a edge-aligned grid lies half a pixel before the first centre."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    return (points + 1) / 2 * (size - 1 if align_corners else size)
