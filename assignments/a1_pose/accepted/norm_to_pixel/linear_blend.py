"""Blends between the pixel at -1 and the pixel at +1 with torch.lerp."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    last = torch.tensor([width - 1, height - 1], dtype=points.dtype)
    edge = 0.0 if align_corners else 0.5
    first = torch.full_like(last, -edge)
    return torch.lerp(first.expand(points.shape), (last + edge).expand(points.shape), (points + 1) / 2)
