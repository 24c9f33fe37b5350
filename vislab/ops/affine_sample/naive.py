"""Affine sampling written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.ops.sampling.source_pixels import pixel_centres, read_bilinear, source_position


def affine_sample_naive(
    image: Tensor, theta: Tensor, size: tuple[int, int] | None = None, padding: str = "zeros", align_corners: bool = False
) -> Tensor:
    """Compute what ``affine_sample`` computes, without checks, speed or thrift; differentiable any number of times."""
    wide = torch.float64 if torch.float64 in (image.dtype, theta.dtype) else torch.float32
    height, width = image.shape[-2:]
    out_height, out_width = size or (height, width)
    (x_x, x_y, x_0), (y_x, y_y, y_0) = theta.to(wide)[..., None, None].permute(1, 2, 0, 3, 4)  # each [B, 1, 1]

    # where the output's pixels lie, in its own coordinates, −1 to 1.
    u = pixel_centres(out_width, align_corners, wide, theta.device)
    v = pixel_centres(out_height, align_corners, wide, theta.device)[:, None]
    # where theta sends them, in the image's coordinates.
    x = x_x * u + x_y * v + x_0  # [B, H_out, W_out]
    y = y_x * u + y_y * v + y_0
    x = source_position(x, width, padding, align_corners)
    y = source_position(y, height, padding, align_corners)
    return read_bilinear(image.to(wide), x, y).to(image.dtype)
