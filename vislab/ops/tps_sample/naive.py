"""Thin-plate spline sampling written for the reader: the reference that the other formulations are held against."""

from __future__ import annotations

import torch
from torch import Tensor

from vislab.ops.sampling.source_pixels import pixel_centres, read_bilinear, source_position


def tps_sample_naive(
    image: Tensor,
    controls: Tensor,
    targets: Tensor,
    size: tuple[int, int] | None = None,
    regularisation: float = 0.0,
    padding: str = "zeros",
    align_corners: bool = False,
) -> Tensor:
    """Compute what ``tps_sample`` computes, without checks, speed or thrift; differentiable any number of times."""
    wide = torch.float64 if torch.float64 in (image.dtype, targets.dtype) else torch.float32
    height, width = image.shape[-2:]
    out_height, out_width = size or (height, width)
    weights, affine = spline_naive(controls.detach().double(), targets.double(), regularisation)  # [B, K, 2], [B, 3, 2]

    u = pixel_centres(out_width, align_corners, torch.float64, image.device).expand(out_height, out_width)
    v = pixel_centres(out_height, align_corners, torch.float64, image.device)[:, None].expand(out_height, out_width)
    points = torch.stack([u, v], dim=-1)  # [H_out, W_out, 2]
    distance = radial_naive(((points[:, :, None] - controls.detach().double()) ** 2).sum(-1))  # [H_out, W_out, K]
    straight = torch.stack([torch.ones_like(u), u, v], dim=-1)
    source = torch.einsum("hwk,bkc->bhwc", distance, weights) + torch.einsum("hwk,bkc->bhwc", straight, affine)

    source = source.to(wide)
    x = source_position(source[..., 0], width, padding, align_corners)
    y = source_position(source[..., 1], height, padding, align_corners)
    return read_bilinear(image.to(wide), x, y).to(image.dtype)


def spline_naive(controls: Tensor, targets: Tensor, regularisation: float) -> tuple[Tensor, Tensor]:
    """Solve the spline's system: ``[K, 2]`` and ``[B, K, 2]`` to bending weights ``[B, K, 2]`` and affine part ``[B, 3, 2]``."""
    count = controls.shape[0]
    ridge = regularisation * torch.eye(count, dtype=controls.dtype, device=controls.device)
    bending = radial_naive(((controls[:, None] - controls[None]) ** 2).sum(-1)) + ridge
    straight = torch.cat([controls.new_ones(count, 1), controls], dim=1)
    system = torch.cat([torch.cat([bending, straight], 1), torch.cat([straight.T, controls.new_zeros(3, 3)], 1)])
    solved = torch.linalg.solve(system, torch.cat([targets, torch.zeros_like(targets[:, :1].expand(-1, 3, -1))], 1))
    return solved[:, :count], solved[:, count:]


def radial_naive(squared: Tensor) -> Tensor:
    """Return r² log r², 0 at 0."""
    apart = squared > 0
    # the inner where keeps log(0) out of the gradient as well.
    return torch.where(apart, squared * torch.log(torch.where(apart, squared, 1.0)), 0.0)
