"""Resample images under per-row affine maps given in pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vislab.data.constants import constant
from vislab.ops.affine_sample.op import affine_sample


def affine_warp(images: Tensor, forward: Tensor, padding: str = "border", nearest: bool = False) -> Tensor:
    """Move images by affine maps.

    Shapes: B batch, C channels, H height, W width.

    Args:
        images: floating ``[B, C, H, W]``.
        forward: ``[B, 2, 3]``, pixel (x, y) in the source to pixel in the result; invertible.
        padding: ``"zeros"``, ``"border"`` or ``"reflection"``: what lies outside the source.
        nearest: take the nearest pixel, for masks, instead of bilinear weights.

    Returns:
        ``[B, C, H, W]``: what lay at ``p`` lies at ``forward @ (p, 1)``.

    Convention:
        Pixel centres are whole numbers, as in ``pose_2d``.
    """
    theta = sampling_theta(forward, (images.shape[2], images.shape[3]))
    if not nearest:
        return affine_sample(images, theta, padding=padding)
    grid = sampling_grid(theta, (images.shape[2], images.shape[3])).to(images.dtype)
    return functional.grid_sample(images, grid, "nearest", padding, align_corners=False)


def sampling_theta(forward: Tensor, size: tuple[int, int]) -> Tensor:
    """The inverse of ``forward`` in −1..1 coordinates (``align_corners=False``), result to source, ``[B, 2, 3]``."""
    height, width = size
    inverse = invert(forward)
    # pixel = (norm * side + side - 1) / 2 on the way in, norm = (2 * pixel + 1) / side - 1 on the way out.
    side = constant((width, height), forward.dtype, forward.device)
    linear = inverse[..., :2] * side / side[:, None]
    middle = (side - 1) / 2
    offset = (2 * (inverse[..., :2] @ middle + inverse[..., 2]) + 1) / side - 1
    return torch.cat([linear, offset[..., None]], -1)


def sampling_grid(theta: Tensor, size: tuple[int, int]) -> Tensor:
    """The grid of ``torch.nn.functional.affine_grid(align_corners=False)``, ``[B, H, W, 2]``, as sums of a row and a column."""
    height, width = size
    # affine_grid multiplies every pixel by a matrix of its own; sums are six times faster on a CPU.
    x = (2 * torch.arange(width, device=theta.device, dtype=theta.dtype) + 1) / width - 1
    y = (2 * torch.arange(height, device=theta.device, dtype=theta.dtype) + 1) / height - 1
    grid = torch.empty(len(theta), height, width, 2, dtype=theta.dtype, device=theta.device)
    for axis in (0, 1):
        across = theta[:, axis, 0, None] * x
        down = theta[:, axis, 1, None] * y + theta[:, axis, 2, None]
        torch.add(across[:, None, :], down[:, :, None], out=grid[..., axis])
    return grid


def invert(forward: Tensor) -> Tensor:
    """The inverse of affine maps ``[B, 2, 3]``."""
    a, b, c, d = forward[:, 0, 0], forward[:, 0, 1], forward[:, 1, 0], forward[:, 1, 1]
    linear = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2) / (a * d - b * c)[:, None, None]
    return torch.cat([linear, -(linear @ forward[..., 2:])], -1)
