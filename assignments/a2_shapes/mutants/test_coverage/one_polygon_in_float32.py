"""Knows one polygon in float32 alone."""

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


def test_coverage(impl) -> None:
    crooked = torch.tensor([[[-0.7, 0.9, 0.2, 0.4], [-0.6, -0.8, 0.1, 1.0]], [[-0.3, 0.5, 1.1, -0.9], [-1.1, -0.2, 0.7, 0.3]]])

    y, x = torch.meshgrid(1 - (torch.arange(5) + 0.5) * 2 / 5, (torch.arange(8) + 0.5) * 2 / 8 - 1, indexing="ij")
    at = torch.stack([x.flatten(), y.flatten()], dim=1) * 1.3
    assert torch.allclose(impl(crooked[:1], 5, 8, 1.3, 0.13).flatten(1), torch.sigmoid(-signed_distance(at, crooked[:1]) / 0.13), atol=1e-5)
