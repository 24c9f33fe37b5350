"""Gaussian heatmaps written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_heatmaps_naive(
    poses: Tensor,
    size: tuple[int, int],
    sigma: float,
    normalise: str = "peak",
    visibility: Tensor | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Compute what ``gaussian_heatmaps`` computes, without checks, speed or thrift; differentiable any number of times."""
    # half precision cannot tell pixel 2049 from 2048; distances are taken in float32 at least.
    wide = poses.to(torch.float64 if poses.dtype == torch.float64 else torch.float32)
    height, width = size
    if visibility is not None:
        # a hidden joint's position is often NaN; multiplying its map by 0 would keep the NaN, forward and backward.
        hidden = visibility == 0
        wide = wide.masked_fill(hidden[..., None], 0.0)

    x = torch.arange(width, dtype=wide.dtype, device=wide.device).expand(height, width)
    y = torch.arange(height, dtype=wide.dtype, device=wide.device)[:, None].expand(height, width)
    position_x, position_y = wide[..., 0, None, None], wide[..., 1, None, None]
    if normalise == "peak":
        squares = (x - position_x) ** 2 + (y - position_y) ** 2  # [B, J, H, W]
        maps = torch.exp(squares * (-0.5 / sigma**2))
    else:
        # a softmax: the sum is not taken of exp(−squares / 2σ²), which far from the joint is 0 at every pixel, but relative to the pixel
        # (a, b) nearest to the joint. (x − p)² − (a − p)² is written as a product, or a far joint's squares would swallow the difference.
        a, b = position_x.detach().round().clamp(0, width - 1), position_y.detach().round().clamp(0, height - 1)
        excess = (x - a) * ((x - position_x) + (a - position_x)) + (y - b) * ((y - position_y) + (b - position_y))
        weight = torch.exp(excess * (-0.5 / sigma**2))
        maps = weight / weight.sum((-2, -1), keepdim=True)
    if visibility is not None:
        maps = maps.masked_fill(hidden[..., None, None], 0.0)
    return maps.to(dtype or poses.dtype)
