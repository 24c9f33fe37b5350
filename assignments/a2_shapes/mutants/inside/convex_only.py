"""Asks whether the point lies on one side of all edges, which is right for convex polygons."""


def inside(points, polygons, rule):
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    left = edge[..., 0] * away[..., 1] - edge[..., 1] * away[..., 0]
    return (left > 0).all(dim=2) | (left < 0).all(dim=2)
