"""Bilinear sampling: noise read at scattered positions that keep clear of whole pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.ops.subject import Subject
from vislab.ops.bilinear_sample import bilinear_sample, path_for
from vislab.ops.bilinear_sample.naive import bilinear_sample_naive


def ours(image: Tensor, grid: Tensor) -> Tensor:
    return bilinear_sample(image, grid)


def path(image: Tensor, grid: Tensor) -> str:
    return path_for(image)


def eager(image: Tensor, grid: Tensor) -> Tensor:
    """PyTorch's sampler."""
    return F.grid_sample(image, grid, align_corners=False)


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """Draw the image, and a grid as a smooth warp leaves it: each position within two pixels of its own place.

    It lies a tenth of a pixel or more from whole positions, where the gradient to the grid jumps and float32 and float64 would take
    different sides.
    """
    batch, _, height, width = shape
    image = torch.randn(shape, generator=generator)
    own_place = torch.stack(torch.meshgrid(torch.arange(width), torch.arange(height), indexing="xy"), dim=-1)
    steps = torch.randint(-2, 2, (batch, height, width, 2), generator=generator)
    fraction = 0.1 + 0.8 * torch.rand((batch, height, width, 2), generator=generator)
    grid = (2 * (own_place + steps + fraction) + 1) / torch.tensor([width, height]) - 1
    return image.to(device), grid.to(device)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Image and grid read, output written forward; all read again, the image's gradient read and written, the grid's written backward."""
    batch, channels, height, width = shape
    planes = {"forward": 2, "forward+backward": 6}[passes] * channels + {"forward": 2, "forward+backward": 6}[passes]
    return batch * planes * height * width * item_bytes


SUBJECT = Subject(
    op="bilinear_sample",
    sizes={
        "cpu": ((64, 3, 64, 64), (32, 8, 64, 64), (32, 3, 128, 128)),
        "cuda": ((256, 1, 32, 32), (256, 3, 128, 128), (256, 3, 256, 256)),
    },
    inputs=inputs,
    ours=ours,
    path=path,
    naive=bilinear_sample_naive,
    eager=eager,
    eager_name="grid_sample, which on a CPU the op is, behind a guard",
    bytes_moved=bytes_moved,
)
