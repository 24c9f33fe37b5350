"""Draws row by row, and centres by averaging the borders of pixels."""

import torch
from torch import Tensor


def signed_distance(points: Tensor, polygons: Tensor) -> Tensor:
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, dims=2) - first
    away = points[:, None] - first
    squared = edge.square().sum(dim=-1)
    share = ((away * edge).sum(dim=-1) / torch.where(squared > 0, squared, 1.0)).clamp(0, 1)
    nearest = (away - share[..., None] * edge).square().sum(dim=-1).amin(dim=-1)
    distance = torch.where(nearest > 0, torch.where(nearest > 0, nearest, 1.0).sqrt(), 0.0)
    above = first[..., 1] > points[:, None, 1]
    crossed = above != above.roll(-1, dims=2)
    right = away[..., 0] * edge[..., 1] < away[..., 1] * edge[..., 0]
    inside = (crossed & (right == (edge[..., 1] > 0))).sum(dim=-1) % 2 == 1
    return torch.where(inside, -distance, distance)


def coverage(polygons: Tensor, height: int, width: int, extent: float, tau: float) -> Tensor:
    borders = torch.linspace(-1, 1, width + 1, dtype=torch.float64)
    x = ((borders[1:] + borders[:-1]) / 2 * extent).to(polygons.dtype)
    pictures = polygons.new_empty(len(polygons), 1, 0, width)
    for row in range(height):
        y = x.new_full((width,), extent * (1 - (2 * row + 1) / height))
        line = torch.sigmoid(signed_distance(torch.stack([x, y], dim=1), polygons) * (-1 / tau))
        pictures = torch.cat([pictures, line[:, None, None]], dim=2)
    return pictures
