"""Attention windows: Gaussian glimpses of 12 × 12 cells somewhere inside each image."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.ops.subject import Subject
from vislab.ops.window_pool import path_for, window_pool
from vislab.ops.window_pool.naive import window_pool_naive

_CELLS = 12


def _eager_filters(centre: Tensor, extent: Tensor, cells: int, pixels: int) -> Tensor:
    step = extent / cells
    cell = torch.arange(cells, dtype=centre.dtype, device=centre.device) - (cells - 1) / 2
    pixel = torch.arange(pixels, dtype=centre.dtype, device=centre.device)
    middle = centre[:, None] + cell * step[:, None]
    weight = torch.exp(-((pixel - middle[:, :, None]) ** 2) / (2 * (0.5 * step[:, None, None]) ** 2))
    return weight / (weight.sum(-1, keepdim=True) + 1e-9)


def eager(images: Tensor, centres: Tensor, extents: Tensor) -> Tensor:
    """DRAW's filterbank as published: exponentials over their sum, then one product from each side."""
    rows = _eager_filters(centres[:, 1], extents[:, 1], _CELLS, images.shape[2])
    columns = _eager_filters(centres[:, 0], extents[:, 0], _CELLS, images.shape[3])
    return rows.unsqueeze(1) @ images @ columns.transpose(1, 2).unsqueeze(1)


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    images = torch.randn(shape, generator=generator)
    size = torch.tensor([shape[3], shape[2]])
    centres = size * (0.3 + 0.4 * torch.rand(shape[0], 2, generator=generator))
    extents = size * (0.3 + 0.3 * torch.rand(shape[0], 2, generator=generator))
    return images.to(device), centres.to(device), extents.to(device)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Images read once forward; read once and their gradient written once backward; answers and filters besides."""
    batch, channels, height, width = shape
    pixels, cells = batch * channels * height * width, batch * channels * _CELLS * _CELLS
    filters = batch * _CELLS * (height + width)
    # filters are written and read forward, read and their gradients written and read backward.
    return {"forward": pixels + cells + 2 * filters, "forward+backward": 3 * pixels + 2 * cells + 5 * filters}[passes] * item_bytes


SUBJECT = Subject(
    op="window_pool",
    sizes={
        "cpu": ((16, 1, 64, 64), (16, 3, 96, 96), (16, 3, 192, 192)),
        "cuda": ((64, 3, 64, 64), (64, 3, 256, 256), (256, 3, 512, 512)),
    },
    inputs=inputs,
    ours=lambda *tensors: window_pool(*tensors, _CELLS),
    path=lambda images, *_: path_for(images),
    naive=lambda *tensors: window_pool_naive(*tensors, (_CELLS, _CELLS)),
    eager=eager,
    eager_name="exponentials over their sum, two broadcast products",
    bytes_moved=bytes_moved,
)
