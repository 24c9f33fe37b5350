"""Gaussian heatmaps: peak-1 maps of standard deviation 2 of joints spread evenly over the map."""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch import Tensor

from benchmarks.ops.subject import Library, Subject
from vislab.ops.gaussian_heatmaps import gaussian_heatmaps, path_for
from vislab.ops.gaussian_heatmaps.naive import gaussian_heatmaps_naive


def eager(poses: Tensor, *, size: tuple[int, int], sigma: float) -> Tensor:
    """Squared distance of every pixel of every map to its joint, and one exponential a pixel."""
    height, width = size
    x = torch.arange(width, dtype=poses.dtype, device=poses.device)
    y = torch.arange(height, dtype=poses.dtype, device=poses.device)
    squares = (x - poses[..., 0, None, None]) ** 2 + (y[:, None] - poses[..., 1, None, None]) ** 2
    return torch.exp(-squares / (2 * sigma**2))


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    batch, joints, height, width = shape
    share = torch.rand(batch, joints, 2, generator=generator)
    return ((share * torch.tensor([width - 1.0, height - 1.0])).to(device),)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Maps written once forward, their upstream gradient read once backward; two positions a map besides, in each pass and back."""
    batch, joints, height, width = shape
    maps = {"forward": 1, "forward+backward": 2}[passes] * height * width
    positions = {"forward": 1, "forward+backward": 3}[passes] * 2
    return batch * joints * (maps + positions) * item_bytes


def _libraries():
    if find_spec("kornia") is None:
        return {}
    from kornia.geometry.subpix import render_gaussian2d

    def rendered(poses: Tensor, *, size: tuple[int, int], sigma: float) -> Tensor:
        """kornia renders sum-1 maps alone."""
        return render_gaussian2d(poses, torch.full_like(poses, sigma), tuple(size), normalized_coordinates=False)

    return {"kornia": Library(rendered, options={"normalise": "sum"})}


SUBJECT = Subject(
    op="gaussian_heatmaps",
    sizes={
        "cpu": ((8, 16, 32, 32), (16, 16, 64, 64), (16, 16, 128, 128)),
        "cuda": ((16, 17, 64, 64), (64, 17, 128, 128), (256, 17, 128, 128)),
    },
    inputs=inputs,
    ours=gaussian_heatmaps,
    path=path_for,
    naive=gaussian_heatmaps_naive,
    eager=eager,
    eager_name="squared distances on the full grid, one exponential a pixel",
    bytes_moved=bytes_moved,
    libraries=_libraries(),
    options=lambda shape: {"size": shape[2:], "sigma": 2.0},
)
