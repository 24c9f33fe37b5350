"""RoIAlign written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def roi_align_naive(
    features: Tensor,
    boxes: Tensor,
    index: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = 0,
    aligned: bool = True,
) -> Tensor:
    """Compute what ``roi_align`` computes, box by box, without checks, speed or thrift; differentiable any number of times.

    Args:
        boxes: ``[K, 4]``, x1, y1, x2, y2.
        index: ``[K]``; −1, or any number outside [0, B), gives NaN.
    """
    # half precision cannot tell pixel 2049 from 2048; positions and sums are taken in float32 at least.
    wide = features.to(torch.float64 if features.dtype == torch.float64 else torch.float32)
    pooled = []
    for box, image in zip(boxes.to(wide.dtype), index.tolist()):
        if not 0 <= image < wide.shape[0] or not bool(box.isfinite().all()):
            pooled.append(wide.new_full((wide.shape[1], *output_size), torch.nan))
            continue
        # pixel i covers [i, i + 1) in a box's coordinates: its centre, i + 0.5 there, is the whole number i of the samples.
        low_x, low_y, high_x, high_y = box * spatial_scale - (0.5 if aligned else 0.0)
        rows = _interpolation(low_y, high_y, output_size[0], wide.shape[2], sampling_ratio, aligned)
        columns = _interpolation(low_x, high_x, output_size[1], wide.shape[3], sampling_ratio, aligned)
        pooled.append(rows @ wide[image] @ columns.T)  # [C, PH, PW]
    if not pooled:
        # empty, yet a function of both.
        return (features.sum() * boxes.sum() * features.new_zeros(0, features.shape[1], *output_size)).to(features.dtype)
    return torch.stack(pooled).to(features.dtype)


def _interpolation(low: Tensor, high: Tensor, bins: int, length: int, sampling_ratio: int, aligned: bool) -> Tensor:
    """Return how much each pixel of one axis counts in each bin, ``[bins, length]``."""
    extent = high - low
    if not aligned:
        extent = extent.clamp(min=1.0)
    samples = sampling_ratio if sampling_ratio > 0 else math.ceil(extent.item() / bins)
    if samples <= 0:
        return extent.new_zeros(bins, length)
    fraction = (torch.arange(bins * samples, dtype=extent.dtype, device=extent.device) + 0.5) / (bins * samples)
    position = low + fraction * extent
    counts = (position >= -1) & (position <= length)
    # up to a pixel outside, the border pixel continues.
    position = position.clamp(0, length - 1)
    left = position.detach().floor().long()
    right = (left + 1).clamp(max=length - 1)
    share = (position - left)[:, None]
    pixel = torch.arange(length, device=extent.device)
    weight = (pixel == left[:, None]) * (1 - share) + (pixel == right[:, None]) * share
    return (weight * counts[:, None]).view(bins, samples, length).mean(1)
