"""Affine sampling: noise seen through rotations, scales and shifts that keep positions clear of whole pixels."""

from __future__ import annotations

from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.ops.subject import Library, Subject, of_positions
from vislab.ops.affine_sample import affine_sample, path_for
from vislab.ops.affine_sample.naive import affine_sample_naive


def ours(image: Tensor, theta: Tensor) -> Tensor:
    return affine_sample(image, theta)


def path(image: Tensor, theta: Tensor) -> str:
    return path_for(image)


def eager(image: Tensor, theta: Tensor) -> Tensor:
    """An affine grid, then PyTorch's sampler."""
    return F.grid_sample(image, F.affine_grid(theta, list(image.shape), align_corners=False), align_corners=False)


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """Draw the image, and maps near the identity whose entries are sixteenths and whose shifts are odd 64ths of a pixel.

    At a whole position the gradient to theta jumps, and float32 and float64 would take different sides. Sizes are even and square, so
    that every position here is an odd 64th as well.
    """
    batch, _, height, width = shape
    image = torch.randn(shape, generator=generator)
    matrix = torch.eye(2) + torch.randint(-4, 5, (batch, 2, 2), generator=generator) / 16
    pixels = (2 * torch.randint(-100, 101, (batch, 2, 1), generator=generator) + 1) / 64
    theta = torch.cat([matrix, 2 * pixels / torch.tensor([[width], [height]])], dim=2)
    return image.to(device), theta.to(device)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Image read and output written forward; upstream and image read, the image's gradient read and written backward."""
    batch, channels, height, width = shape
    planes = {"forward": 2, "forward+backward": 6}[passes]
    return batch * (planes * channels * height * width + {"forward": 6, "forward+backward": 18}[passes]) * item_bytes


def _libraries():
    if find_spec("kornia") is None:
        return {}
    from kornia.geometry.transform import affine

    def through_pixels(image: Tensor, theta: Tensor) -> Tensor:
        """kornia takes the map in pixels, from image to output."""
        height, width = image.shape[-2:]
        extent = theta.new_tensor([width, height])
        matrix = theta[:, :, :2] * extent / extent[:, None]
        middle = (extent - 1) / 2
        shift = theta[:, :, 2] * extent / 2 + middle - (matrix @ middle[:, None])[..., 0]
        inverse = torch.linalg.inv(matrix)
        return affine(image, torch.cat([inverse, -inverse @ shift[..., None]], dim=2), align_corners=False)

    return {"kornia": Library(through_pixels)}


SUBJECT = Subject(
    op="affine_sample",
    sizes={
        "cpu": ((64, 1, 32, 32), (256, 1, 32, 32), (64, 3, 32, 32)),
        # many small images: from 256 pixels on, affine_grid's own rounding in float32 is more than the gate allows.
        "cuda": ((256, 1, 32, 32), (512, 3, 64, 64), (4096, 3, 64, 64)),
    },
    inputs=inputs,
    ours=ours,
    path=path,
    naive=affine_sample_naive,
    eager=eager,
    eager_name="affine_grid, grid_sample",
    bytes_moved=bytes_moved,
    tolerance=of_positions(3e-5),
    libraries=_libraries(),
)
