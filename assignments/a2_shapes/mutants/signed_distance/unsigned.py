"""Forgets which points lie inside."""

import torch


def signed_distance(points, polygons):
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    squared = edge.square().sum(dim=-1)
    share = ((away * edge).sum(dim=-1) / torch.where(squared > 0, squared, 1.0)).clamp(0, 1)
    nearest = (away - share[..., None] * edge).square().sum(dim=-1).amin(dim=2)
    distance = torch.where(nearest > 0, torch.where(nearest > 0, nearest, 1.0).sqrt(), 0.0)
    return distance
