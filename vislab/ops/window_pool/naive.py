"""Attention windows written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import torch
from torch import Tensor


def window_pool_naive(
    images: Tensor,
    centres: Tensor,
    extents: Tensor,
    size: tuple[int, int],
    window: str = "gaussian",
    width: float = 0.5,
    softness: float = 0.1,
) -> Tensor:
    """Compute what ``window_pool`` computes, without checks, speed or thrift; differentiable any number of times."""
    double = torch.float64 in (images.dtype, centres.dtype, extents.dtype)
    wide = torch.float64 if double else torch.float32
    centres, extents = centres.to(wide), extents.to(wide)
    columns = window_filters_naive(centres[:, 0], extents[:, 0], size[1], images.shape[3], window, width, softness)
    rows = window_filters_naive(centres[:, 1], extents[:, 1], size[0], images.shape[2], window, width, softness)
    return torch.einsum("bip,bcpq,bjq->bcij", rows, images.to(wide), columns).to(images.dtype)


def window_filters_naive(centre: Tensor, extent: Tensor, cells: int, pixels: int, window: str, width: float, softness: float) -> Tensor:
    """Weigh ``pixels`` pixels for each of ``cells`` windows along one axis: ``[B]`` centres and extents to ``[B, cells, pixels]``."""
    # <=, not clamp: NaN stays NaN, and an extent of exactly 0 has no gradient either.
    step = torch.where(extent <= 0, 0.0, extent) / cells
    middle = centre[:, None] + (torch.arange(cells, device=centre.device).to(centre) - (cells - 1) / 2) * step[:, None]  # [B, cells]

    # a bump narrower than a pixel could fall between two; the others only need a scale to divide by.
    smallest = 1.0 if window == "bump" else 1e-6
    scale = torch.where(width * step > smallest, width * step, smallest)
    u = (torch.arange(pixels, device=centre.device).to(centre) - middle[:, :, None]) / scale[:, None, None]  # [B, cells, pixels]

    if window == "gaussian":
        log_weight = -(u**2) / 2
    elif window == "box":
        log_weight = torch.nn.functional.logsigmoid((1 + u) / softness) + torch.nn.functional.logsigmoid((1 - u) / softness)
    else:
        inside = ~(u.abs() >= 1)
        log_weight = 1 - 1 / (1 - torch.where(inside, u, 0.0) ** 2)
        log_weight = log_weight.masked_fill(~inside, -torch.inf)

    # the largest comes off first: weights that all underflow would leave 0 / 0.
    blank = torch.isneginf(log_weight).all(-1, keepdim=True)
    log_weight = log_weight.masked_fill(blank, 0.0)
    weight = torch.exp(log_weight - log_weight.detach().amax(-1, keepdim=True))
    return (weight / weight.sum(-1, keepdim=True)).masked_fill(blank, 0.0)
