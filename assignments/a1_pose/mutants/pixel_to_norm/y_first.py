"""Returns y before x."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        norm = torch.where(size > 1, 2 * points / (size - 1).clamp(min=1) - 1, 0.0)
    else:
        norm = (2 * points + 1) / size - 1
    return norm.flip(-1)
