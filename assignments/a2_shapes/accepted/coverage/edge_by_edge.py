"""Goes over the edges one by one, and takes inside from the winding of the border."""

import torch
from torch import Tensor


def coverage(polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
    x = ((torch.arange(width, dtype=polygons.dtype) + 0.5) * 2 / width - 1) * extent
    y = (1 - (torch.arange(height, dtype=polygons.dtype) + 0.5) * 2 / height) * extent
    at = torch.stack([x.repeat(height), y.repeat_interleave(width)], dim=1)
    nearest = torch.full((len(polygons), len(at)), torch.inf, dtype=polygons.dtype)
    winding = torch.zeros(len(polygons), len(at), dtype=torch.int64)
    for n in range(polygons.shape[2]):
        first, last = polygons[:, None, :, n - 1], polygons[:, None, :, n]
        (u, v), (x, y) = (last - first).unbind(dim=-1), (at - first).unbind(dim=-1)
        squared = u * u + v * v
        share = ((x * u + y * v) / torch.where(squared == 0, 1.0, squared)).clamp(0, 1)
        nearest = torch.minimum(nearest, (x - share * u) ** 2 + (y - share * v) ** 2)
        left = u * y - v * x
        up, down = (y >= 0) & (y < v), (y < 0) & (y >= v)
        winding += (up & (left > 0)).long() - (down & (left < 0)).long()
    distance = torch.where(nearest > 0, nearest, 1.0).sqrt() * (nearest > 0)
    return torch.sigmoid(torch.where(winding != 0, distance, -distance) / tau).reshape(len(polygons), 1, height, width)
