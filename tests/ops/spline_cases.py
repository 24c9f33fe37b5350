"""Images, control points and targets that tests of tps_sample share, and its answers by name."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.ops.tps_sample.naive import radial_naive, spline_naive

# share of the largest reference value. float32 places a pixel near 64 to 1e-5 pixels, over which noise changes by as much, and a
# target's gradient sums over all pixels; half precision rounds the answer once.
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.float16: 1e-3, torch.bfloat16: 8e-3}
PADDINGS = ["zeros", "border", "reflection"]
# image, output: one pixel, one line, a rest in both tile directions, sizes around a power of two.
SIZES = [((1, 1), (1, 1)), ((5, 7), (5, 7)), ((1, 129), (7, 1)), ((9, 8), (17, 33)), ((65, 63), (16, 2))]
# positions this close to where a gradient jumps, in pixels, are drawn again: float32 might take the other side.
_CLEAR_PIXELS = 5e-5


def lattice(side: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return side² control points from corner to corner, x running fastest, ``[K, 2]``."""
    line = torch.linspace(-1, 1, side, dtype=torch.float64)
    return torch.cartesian_prod(line, line).flip(1).to(dtype)


def source_pixels(controls: Tensor, targets: Tensor, size, out_size, align_corners: bool) -> Tensor:
    """Return float64 positions in pixels before any padding, ``[B, H_out, W_out, 2]``."""
    weights, affine = spline_naive(controls.double(), targets.double(), 0.0)
    v, u = (torch.arange(1 - count, count, 2, dtype=torch.float64) / max(count - align_corners, 1) for count in out_size)
    points = torch.stack(torch.meshgrid(u, v, indexing="xy"), -1)
    bend = radial_naive(((points[:, :, None] - controls.double()) ** 2).sum(-1))
    norm = torch.einsum("hwk,bkc->bhwc", bend, weights) + affine[:, None, None, 0]
    norm = norm + points[..., :1] * affine[:, None, None, 1] + points[..., 1:] * affine[:, None, None, 2]
    extent = torch.tensor([size[1], size[0]], dtype=torch.float64)
    return norm * (extent - int(align_corners)) / 2 + (extent - 1) / 2


def inputs(
    batch: int, channels: int, size: tuple[int, int], out_size: tuple[int, int], align_corners: bool, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    """Draw noise, and targets that bend it, some to well outside; positions keep clear of whole and half pixels.

    Targets are float32 where the image is narrower; every number is one that float32 holds.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(batch, channels, *size, generator=generator, dtype=torch.float64).float().to(dtype)
    controls = lattice()
    for _ in range(200):
        targets = 0.9 * controls + 0.25 * torch.randn(batch, 9, 2, generator=generator)
        halves = 2 * source_pixels(controls, targets, size, out_size, align_corners)
        # an axis of one pixel may have one position only.
        halves = halves[..., [k for k in (0, 1) if not (align_corners and size[1 - k] == 1)]]
        if not ((halves - halves.round()).abs() < 2 * _CLEAR_PIXELS).any():
            numbers = torch.float64 if dtype == torch.float64 else torch.float32
            return [image, controls.to(numbers), targets.to(numbers)]
    raise AssertionError("no draw kept clear of whole and half pixels")


def answers(function, tensors: list[Tensor], size: tuple[int, int], **options) -> dict[str, Tensor]:
    """Return the output and the gradients of a fixed random combination of it, by name."""
    image, controls, targets = tensors
    image, targets = image.detach().requires_grad_(), targets.detach().requires_grad_()
    output = function(image, controls, targets, size=size, **options)
    # eighths are the same number in every dtype.
    draw = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradients = torch.autograd.grad(output, (image, targets), ((8 * draw).round() / 8).to(output))
    return {"output": output.detach(), "gradient of image": gradients[0], "gradient of targets": gradients[1]}


def doubles(tensors: list[Tensor]) -> list[Tensor]:
    """Return the very numbers in float64."""
    return [tensor.double() for tensor in tensors]
