"""Where a pixel of a distorted digit comes from, and the value found there.

Convention: pixel (0, 0) has its centre at (.5, .5); x runs right and y down; an angle is counter-clockwise as one sees it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from data_scripts.digits.base import SIZE_PX


def pixel_centres(size_px: int) -> Tensor:
    """Return float32 [size, size, 2], x and y of every pixel's centre."""
    line = torch.arange(size_px, dtype=torch.float32) + 0.5
    return torch.stack([line.expand(size_px, size_px), line[:, None].expand(size_px, size_px)], dim=-1)


def sampled(images: Tensor, points: Tensor) -> Tensor:
    """Return the value of each image at ``points``, zero outside.

    Args:
        images: float32 [n, 1, S, S].
        points: float32 [n, H, W, 2] x and y in pixels of the image.

    Returns:
        float32 [n, 1, H, W].
    """
    grid = points * (2 / images.shape[-1]) - 1
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def back_to_digit(points: Tensor, theta: Tensor, size_px: int) -> Tensor:
    """Return where in the undistorted digit each point of the picture comes from, by the inverse of ``theta``.

    Args:
        points: float32 [..., 2], pixels of the picture, broadcast over digits.
        theta: float32 [n, 4].
        size_px: side of the picture.

    Returns:
        float32 [n, ..., 2], pixels of the digit.
    """
    angle, scale, shift = theta[:, 0], theta[:, 1], theta[:, 2:]
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    # with y down, [cos, sin; -sin, cos] turns counter-clockwise to the eye; this is its transpose.
    turn = torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)
    off = points.reshape(1, -1, 2) - size_px / 2 - shift[:, None]
    return (off @ turn.transpose(1, 2) + SIZE_PX / 2).reshape(len(theta), *points.shape[:-1], 2)


def homography(source: Tensor, target: Tensor) -> Tensor:
    """Return the projective map that takes four points onto four others.

    Args:
        source: float64 [n, 4, 2], no three on a line.
        target: float64 [n, 4, 2].

    Returns:
        float64 [n, 3, 3], its last entry 1.
    """
    x, y = source.unbind(-1)
    u, v = target.unbind(-1)
    one, nil = torch.ones_like(x), torch.zeros_like(x)
    rows_u = torch.stack([x, y, one, nil, nil, nil, -u * x, -u * y], dim=-1)
    rows_v = torch.stack([nil, nil, nil, x, y, one, -v * x, -v * y], dim=-1)
    entries = torch.linalg.solve(torch.cat([rows_u, rows_v], dim=1), torch.cat([u, v], dim=1))
    return torch.cat([entries, torch.ones_like(entries[:, :1])], dim=1).reshape(-1, 3, 3)
