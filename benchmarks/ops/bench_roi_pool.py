"""RoI pooling: 7 × 7 bins, 32 boxes an image at a quarter of its resolution, gradients to the features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.ops.subject import Subject
from vislab.ops.roi_pool import path_for, roi_pool
from vislab.ops.roi_pool.naive import roi_pool_naive

_BINS, _SCALE, _BOXES_PER_IMAGE = 7, 0.25, 32
_POOLING = {"output_size": (_BINS, _BINS), "spatial_scale": _SCALE}


def eager(features: Tensor, boxes: Tensor) -> Tensor:
    """Each box's crop by ``adaptive_max_pool2d``, whose bins are the same, box by box; boxes are inside the map."""
    pooled = []
    for image, x1, y1, x2, y2 in torch.cat([boxes[:, :1], (boxes[:, 1:] * _SCALE + 0.5).floor()], 1).long().tolist():
        pooled.append(F.adaptive_max_pool2d(features[image, :, y1 : y2 + 1, x1 : x2 + 1], (_BINS, _BINS)))
    # rounded boxes have the gradient 0.
    return torch.stack(pooled) + 0 * boxes.sum()


def ours(features: Tensor, boxes: Tensor) -> Tensor:
    return roi_pool(features, boxes, **_POOLING)


def naive(features: Tensor, boxes: Tensor) -> Tensor:
    return roi_pool_naive(features, boxes[:, 1:], boxes[:, 0].long(), **_POOLING)


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """Normal features; boxes of a tenth to a half of the image's sides, inside."""
    images, _, height, width = shape
    count = images * _BOXES_PER_IMAGE
    size = torch.tensor([width - 1.0, height - 1.0]) / _SCALE
    half = (0.05 + 0.2 * torch.rand(count, 2, generator=generator)) * size
    centre = half + torch.rand(count, 2, generator=generator) * (size - 2 * half)
    image = torch.arange(images).repeat_interleave(_BOXES_PER_IMAGE)[:, None]
    features = torch.randn(shape, generator=generator)
    return features.to(device), torch.cat([image, centre - half, centre + half], dim=1).to(device)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Features read once forward, their gradient written once backward; bins and where they stand out, both in again; boxes."""
    images, channels, height, width = shape
    maps = {"forward": 1, "forward+backward": 2}[passes] * height * width * channels
    regions = {"forward": 1, "forward+backward": 2}[passes] * (2 * channels * _BINS * _BINS + 5)
    return images * (maps + _BOXES_PER_IMAGE * regions) * item_bytes


SUBJECT = Subject(
    op="roi_pool",
    sizes={
        "cpu": ((2, 32, 32, 32), (2, 32, 40, 48), (2, 64, 64, 64)),
        "cuda": ((2, 256, 50, 64), (4, 256, 100, 128), (8, 256, 200, 256)),
    },
    inputs=inputs,
    ours=ours,
    path=lambda features, boxes: path_for(features),
    naive=naive,
    eager=eager,
    eager_name="adaptive_max_pool2d of each box's crop, stacked",
    bytes_moved=bytes_moved,
)
