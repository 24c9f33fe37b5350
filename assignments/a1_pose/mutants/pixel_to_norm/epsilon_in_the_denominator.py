"""Adds a millionth to W - 1 so that nothing is divided by zero."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        return 2 * points / (size - 1 + 1e-6) - 1
    return (2 * points + 1) / size - 1
