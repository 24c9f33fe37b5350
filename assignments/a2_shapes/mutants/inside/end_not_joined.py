"""Leaves out the edge from the last vertex to the first."""

import torch


def inside(points, polygons, rule):
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    left = edge[..., 0] * away[..., 1] - edge[..., 1] * away[..., 0]
    below = first[..., 1] <= points[:, None, 1]
    joined = torch.arange(polygons.shape[2]) < polygons.shape[2] - 1
    up, down = joined & below & ~below.roll(-1, 2) & (left > 0), joined & ~below & below.roll(-1, 2) & (left < 0)
    if rule == "even_odd":
        return (up | down).sum(dim=2) % 2 == 1
    return up.sum(dim=2) != down.sum(dim=2)
