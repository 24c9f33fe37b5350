"""Thin-plate spline sampling: the middle of each image, bent by 4 × 4 control points that move by a few hundredths of it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.ops.subject import Subject, of_positions
from vislab.ops.tps_sample import path_for, tps_sample
from vislab.ops.tps_sample.naive import tps_sample_naive

_SIDE = 4


def _controls(like: Tensor) -> Tensor:
    side = torch.linspace(-1, 1, _SIDE, dtype=like.dtype, device=like.device)
    return torch.cartesian_prod(side, side).flip(1)


def _radial(squared: Tensor) -> Tensor:
    return torch.where(squared > 0, squared * torch.log(squared.clamp(min=1e-30)), 0.0)


def eager(image: Tensor, targets: Tensor) -> Tensor:
    """Solve for each image's coefficients, multiply with every pixel's distances, and sample the grid."""
    controls = _controls(targets).double()
    batch, _, height, width = image.shape
    straight = torch.cat([torch.ones_like(controls[:, :1]), controls], dim=1)
    bending = _radial((controls[:, None] - controls).square().sum(-1))
    system = torch.cat([torch.cat([bending, straight], 1), torch.cat([straight.t(), controls.new_zeros(3, 3)], 1)])
    solved = torch.linalg.solve(system, F.pad(targets.double(), (0, 0, 0, 3))).to(image.dtype)

    identity = torch.eye(2, 3, dtype=image.dtype, device=image.device)[None]
    points = F.affine_grid(identity, [1, 1, height, width], align_corners=False).view(-1, 2)
    distances = _radial((points[:, None] - controls.to(image.dtype)).square().sum(-1))
    grid = torch.cat([distances, torch.ones_like(points[:, :1]), points], dim=1) @ solved
    return F.grid_sample(image, grid.view(batch, height, width, 2), align_corners=False)


def inputs(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> tuple[Tensor, ...]:
    """Draw images ``a + b x + c y + d x y``, which bilinear sampling reproduces, and positions that stay inside.

    Anything else has a gradient that jumps at whole positions, and float32 and float64 would take different sides of some.
    """
    batch, channels, height, width = shape
    a, b, c, d = torch.randn(4, batch, channels, 1, 1, generator=generator)
    x, y = torch.linspace(-1, 1, width), torch.linspace(-1, 1, height)[:, None]
    targets = 0.7 * _controls(x) + 0.03 * torch.randn(batch, _SIDE**2, 2, generator=generator)
    return (a + b * x + c * y + d * x * y).to(device), targets.to(device)


def bytes_moved(shape: tuple[int, ...], item_bytes: int, passes: str) -> int:
    """Image read and output written forward; upstream and image read, the image's gradient read and written backward."""
    batch, channels, height, width = shape
    planes = {"forward": 2, "forward+backward": 6}[passes] * channels * height * width
    spline = {"forward": 1, "forward+backward": 3}[passes] * (_SIDE**2 + 3) * 2
    return batch * (planes + spline) * item_bytes


SUBJECT = Subject(
    op="tps_sample",
    sizes={
        "cpu": ((8, 1, 32, 32), (8, 3, 64, 64), (8, 3, 128, 128)),
        "cuda": ((64, 3, 64, 64), (64, 3, 128, 128), (128, 16, 256, 256)),
    },
    inputs=inputs,
    ours=lambda image, targets: tps_sample(image, _controls(targets), targets),
    path=lambda image, _: path_for(image),
    naive=lambda image, targets: tps_sample_naive(image, _controls(targets), targets),
    eager=eager,
    eager_name="solve, distances, product, grid_sample",
    bytes_moved=bytes_moved,
    # float32 places a pixel near 128 to 1e-5 pixels, and so do the weights of its neighbours, which are the image's gradient.
    # the targets' gradient goes through the inverse of the spline's system.
    tolerance=of_positions(1e-4),
)
