"""RoIAlign: 7 × 7 bins of 2 × 2 samples, 32 boxes an image at a quarter of its resolution, aligned, gradients to features and boxes."""

from __future__ import annotations

from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.ops.subject import Library, Subject, of_positions
from vislab.ops.roi_align import path_for, roi_align
from vislab.ops.roi_align.naive import roi_align_naive

_BINS, _SAMPLES, _SCALE, _BOXES_PER_IMAGE = 7, 2, 0.25, 32
_POOLING = {"output_size": (_BINS, _BINS), "spatial_scale": _SCALE, "sampling_ratio": _SAMPLES, "aligned": True}


def eager(features: Tensor, boxes: Tensor) -> Tensor:
    """Each box's image, sampled on a grid by ``grid_sample``, samples more than a pixel outside masked, averaged by ``avg_pool2d``."""
    height, width = features.shape[2:]
    count = _BINS * _SAMPLES
    fraction = (torch.arange(count, dtype=features.dtype, device=features.device) + 0.5) / count
    corners = boxes[:, 1:] * _SCALE - 0.5
    x = corners[:, 0, None] + fraction * (corners[:, 2] - corners[:, 0])[:, None]
    y = corners[:, 1, None] + fraction * (corners[:, 3] - corners[:, 1])[:, None]
    grid_x = ((x + 0.5) * 2 / width - 1)[:, None, :].expand(-1, count, -1)
    grid_y = ((y + 0.5) * 2 / height - 1)[:, :, None].expand(-1, -1, count)
    grid = torch.stack([grid_x, grid_y], dim=-1)
    sampled = F.grid_sample(features[boxes[:, 0].long()], grid, padding_mode="border", align_corners=False)
    counts = ((y >= -1) & (y <= height))[:, None, :, None] & ((x >= -1) & (x <= width))[:, None, None, :]
    return F.avg_pool2d(sampled * counts, _SAMPLES)


def ours(features: Tensor, boxes: Tensor) -> Tensor:
    return roi_align(features, boxes, **_POOLING)


def naive(features: Tensor, boxes: Tensor) -> Tensor:
    return roi_align_naive(features, boxes[:, 1:], boxes[:, 0].long(), **_POOLING)


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """Normal features; boxes of a tenth to a half of the image's sides, mostly inside."""
    images, _, height, width = shape
    count = images * _BOXES_PER_IMAGE
    size = torch.tensor([width, height]) / _SCALE
    centre = torch.rand(count, 2, generator=generator) * size
    half = (0.05 + 0.2 * torch.rand(count, 2, generator=generator)) * size
    image = torch.arange(images).repeat_interleave(_BOXES_PER_IMAGE)[:, None]
    features = torch.randn(shape, generator=generator)
    return features.to(device), torch.cat([image, centre - half, centre + half], dim=1).to(device)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Features read once forward; read once and their gradient written once backward; bins out and their gradient in; boxes."""
    images, channels, height, width = shape
    maps = {"forward": 1, "forward+backward": 3}[passes] * height * width * channels
    regions = {"forward": 1, "forward+backward": 2}[passes] * (channels * _BINS * _BINS + 5)
    return images * (maps + _BOXES_PER_IMAGE * regions) * item_bytes


def _libraries():
    if find_spec("torchvision") is None:
        return {}
    from torchvision.ops import roi_align as torchvisions

    # its boxes are constants.
    return {"torchvision": Library(lambda features, boxes: torchvisions(features, boxes, **_POOLING), gradients=(0,))}


SUBJECT = Subject(
    op="roi_align",
    sizes={
        "cpu": ((2, 32, 32, 32), (2, 32, 40, 48), (2, 64, 64, 64)),
        "cuda": ((2, 256, 50, 64), (4, 256, 100, 128), (8, 256, 200, 256)),
    },
    inputs=inputs,
    ours=ours,
    path=lambda features, boxes: path_for(features),
    naive=naive,
    eager=eager,
    eager_name="grid_sample of each box's image, mask, avg_pool2d",
    bytes_moved=bytes_moved,
    tolerance=of_positions(1e-5),
    libraries=_libraries(),
)
