"""Divides by the length of edges that have none."""

import torch


def signed_distance(points, polygons):
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    squared = edge.square().sum(dim=-1)
    share = ((away * edge).sum(dim=-1) / squared).clamp(0, 1)
    nearest = (away - share[..., None] * edge).square().sum(dim=-1).amin(dim=2)
    distance = torch.where(nearest > 0, torch.where(nearest > 0, nearest, 1.0).sqrt(), 0.0)
    left = edge[..., 0] * away[..., 1] - edge[..., 1] * away[..., 0]
    below = first[..., 1] <= points[:, None, 1]
    crossed = (below != below.roll(-1, 2)) & ((left > 0) == below)
    return torch.where(crossed.sum(dim=2) % 2 == 1, -distance, distance)
