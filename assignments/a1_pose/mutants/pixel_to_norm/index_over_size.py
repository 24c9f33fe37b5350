"""Divides the pixel index by the width, as if pixel W were the last one: wrong by up to a pixel."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    return 2 * points / size - 1
