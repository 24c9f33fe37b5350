"""Measures from the middle of the image, which is 0 in both conventions."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    from_middle = points - (size - 1) / 2
    steps = size - 1 if align_corners else size
    scale = torch.where(steps > 0, 2 / steps.clamp(min=1), 0.0)
    return from_middle * scale.to(points.dtype)
