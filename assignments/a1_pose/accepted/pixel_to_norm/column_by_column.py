"""Treats x and y apart, with an early answer for an axis of one pixel."""

import torch
from torch import Tensor


def one_axis(pixel: Tensor, size: int, align_corners: bool) -> Tensor:
    if not align_corners:
        return (pixel + 0.5) * 2 / size - 1
    if size == 1:
        return torch.zeros_like(pixel)
    return pixel / ((size - 1) / 2) - 1


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    x, y = points.unbind(dim=-1)
    return torch.stack((one_axis(x, width, align_corners), one_axis(y, height, align_corners)), dim=-1)
