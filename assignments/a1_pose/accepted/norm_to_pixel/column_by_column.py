"""Treats x and y apart and joins them again."""

import torch
from torch import Tensor


def one_axis(value: Tensor, size: int, align_corners: bool) -> Tensor:
    if align_corners:
        return (value + 1) * (size - 1) / 2
    return (value + 1) * size / 2 - 0.5


def norm_to_pixel(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    x, y = points.unbind(dim=-1)
    return torch.stack((one_axis(x, width, align_corners), one_axis(y, height, align_corners)), dim=-1)
