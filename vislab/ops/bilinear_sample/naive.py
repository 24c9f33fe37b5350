"""Bilinear sampling written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.ops.sampling.source_pixels import read_bilinear, source_position


def bilinear_sample_naive(image: Tensor, grid: Tensor, padding: str = "zeros", align_corners: bool = False) -> Tensor:
    """Compute what ``bilinear_sample`` computes, without checks, speed or thrift; differentiable any number of times."""
    wide = torch.float64 if torch.float64 in (image.dtype, grid.dtype) else torch.float32
    height, width = image.shape[-2:]
    x, y = grid.to(wide).unbind(-1)  # each [B, H_out, W_out]
    x = source_position(x, width, padding, align_corners)
    y = source_position(y, height, padding, align_corners)
    return read_bilinear(image.to(wide), x, y).to(image.dtype)
