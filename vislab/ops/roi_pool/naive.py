"""RoI pooling written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# far outside every map, and small enough for exact arithmetic.
_FAR = 2.0**30


def roi_pool_naive(features: Tensor, boxes: Tensor, index: Tensor, output_size: tuple[int, int], spatial_scale: float = 1.0) -> Tensor:
    """Compute what ``roi_pool`` computes, bin by bin, without checks, speed or thrift; differentiable any number of times.

    Args:
        boxes: ``[K, 4]``, x1, y1, x2, y2.
        index: ``[K]``; −1, or any number outside [0, B), gives NaN.
    """
    # the coordinates of a half-precision box are scaled in float32.
    corners = boxes.detach().to(torch.float64 if features.dtype == torch.float64 else torch.float32) * spatial_scale
    height, width = features.shape[2:]
    pooled = features.new_zeros(len(boxes), features.shape[1], *output_size)
    for number, (corner, image) in enumerate(zip(corners.tolist(), index.tolist())):
        if not 0 <= image < len(features) or not all(map(math.isfinite, corner)):
            pooled[number] = torch.nan
            continue
        left, top, right, bottom = map(_round, corner)
        for p, (y0, y1) in enumerate(_bins(top, bottom, output_size[0], height)):
            for q, (x0, x1) in enumerate(_bins(left, right, output_size[1], width)):
                if y0 < y1 and x0 < x1:
                    pixels = features[image, :, y0:y1, x0:x1].flatten(1)
                    # argmax names the first of equals, and a NaN as the largest.
                    pooled[number, :, p, q] = pixels.gather(1, pixels.argmax(1, keepdim=True))[:, 0]
    # rounding is flat: boxes have a gradient, and it is 0; so have features that no bin reads.
    return pooled + _zero(features) + _zero(boxes).to(pooled.dtype)


def _zero(tensor: Tensor) -> Tensor:
    """Return 0 as a function of a tensor, NaN and infinity included."""
    return tensor.masked_fill(torch.ones_like(tensor, dtype=torch.bool), 0.0).sum()


def _round(coordinate: float) -> int:
    """Round to the nearest whole number, halves away from 0, as C's ``round`` does and Python's does not."""
    size = min(abs(coordinate), _FAR)
    whole = math.floor(size)
    # not floor(size + 0.5): the sum rounds 0.49999999999999994 up to 1.
    return int(math.copysign(whole + (size - whole >= 0.5), coordinate))


def _bins(first: int, last: int, bins: int, length: int) -> list[tuple[int, int]]:
    """Divide the pixels first to last into bins that touch or overlap by one, cut to the map."""
    extent = max(last - first + 1, 1)
    starts = [first + p * extent // bins for p in range(bins)]
    ends = [first - (-(p + 1) * extent // bins) for p in range(bins)]
    return [(min(max(start, 0), length), min(max(end, 0), length)) for start, end in zip(starts, ends)]
