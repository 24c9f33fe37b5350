"""Puts the result together from plain numbers: right, and without a gradient."""

import torch
from torch import Tensor


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    pixel = (points + 1) / 2 * (size - 1) if align_corners else ((points + 1) * size - 1) / 2
    return torch.tensor(pixel.tolist(), dtype=points.dtype).reshape(points.shape)
