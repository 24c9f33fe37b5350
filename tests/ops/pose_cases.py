"""Poses that tests of Gaussian heatmaps share, and an oracle from the definition."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# share of the largest reference value. The last float32 bit of a position near pixel 1000 is 6e-5 pixels, and σ here is near 2;
# half precision rounds once, and the interpreter cuts bfloat16 off.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 5e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3}


def poses(batch: int, joints: int, height: int, width: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Draw positions on the map and up to a quarter of its size (at least a pixel) outside."""
    share = torch.rand(batch, joints, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    size = torch.tensor([width, height], dtype=torch.float64)
    return (share * (1.5 * size + 2) - (0.25 * size + 1)).to(dtype)


def answers(function, pose: Tensor, size: tuple[int, int], **options) -> dict[str, Tensor]:
    """Return the maps and the gradient of a fixed random combination of their pixels."""
    pose = pose.detach().requires_grad_()
    maps = function(pose, size, **options)
    cotangent = torch.randn(maps.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    # the same numbers for every dtype: half precision holds them all.
    (gradient,) = torch.autograd.grad(maps, pose, cotangent.to(torch.bfloat16).to(maps))
    return {"maps": maps.detach(), "gradient": gradient}


def by_loops(pose: list[float], size: tuple[int, int], sigma: float, normalise: str) -> tuple[Tensor, Tensor]:
    """One joint from the definition: its map ``[H, W]`` and the map's derivatives by x and y, ``[2, H, W]``, pixel by pixel."""
    height, width = size
    value = [[math.exp(-((x - pose[0]) ** 2 + (y - pose[1]) ** 2) / (2 * sigma**2)) for x in range(width)] for y in range(height)]
    maps = torch.tensor(value, dtype=torch.float64)
    centre = pose
    if normalise == "sum":
        maps = maps / math.fsum(maps.flatten().tolist())
        pixels = [(maps[y, x].item(), x, y) for y in range(height) for x in range(width)]
        centre = [math.fsum(share * x for share, x, _ in pixels), math.fsum(share * y for share, _, y in pixels)]
    slope = torch.zeros(2, height, width, dtype=torch.float64)
    for y in range(height):
        for x in range(width):
            slope[0, y, x] = maps[y, x] * (x - centre[0]) / sigma**2
            slope[1, y, x] = maps[y, x] * (y - centre[1]) / sigma**2
    return maps, slope
