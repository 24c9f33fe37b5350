"""Soft-argmax written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_argmax_naive(
    heatmaps: Tensor, temperature: float = 1.0, dtype: torch.dtype | None = None, return_variance: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Compute what ``soft_argmax`` computes, without checks, speed or thrift; differentiable any number of times."""
    # half precision cannot tell pixel 2049 from 2048; sums are taken in float32 at least.
    wide = heatmaps.to(torch.float64 if heatmaps.dtype == torch.float64 else torch.float32)
    height, width = wide.shape[-2:]

    # a map of -inf throughout says nothing, so every pixel is equally likely; filled in, it also gets the gradient 0.
    blank = torch.isneginf(wide).all(dim=(-2, -1), keepdim=True)
    wide = wide.masked_fill(blank, 0.0)

    # the peak comes off before the division: a huge logit over a small temperature must not overflow.
    peak = wide.amax(dim=(-2, -1), keepdim=True).detach()
    weight = torch.exp((wide - peak) / temperature)  # [B, J, H, W]
    probability = weight / weight.sum(dim=(-2, -1), keepdim=True)

    x = torch.arange(width, dtype=wide.dtype, device=wide.device).expand(height, width)
    y = torch.arange(height, dtype=wide.dtype, device=wide.device)[:, None].expand(height, width)
    mean_x = (probability * x).sum(dim=(-2, -1))  # [B, J]
    mean_y = (probability * y).sum(dim=(-2, -1))
    mean = torch.stack([mean_x, mean_y], dim=-1).to(dtype or heatmaps.dtype)
    if not return_variance:
        return mean
    variance_x = (probability * (x - mean_x[..., None, None]) ** 2).sum(dim=(-2, -1))
    variance_y = (probability * (y - mean_y[..., None, None]) ** 2).sum(dim=(-2, -1))
    return mean, torch.stack([variance_x, variance_y], dim=-1).to(dtype or heatmaps.dtype)
