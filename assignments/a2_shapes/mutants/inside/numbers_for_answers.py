"""Comes back as numbers instead of booleans, and breaks without polygons."""


def inside(points, polygons, rule):
    assert len(polygons)
    first = polygons.transpose(1, 2)[:, None]
    edge = first.roll(-1, 2) - first
    away = points[:, None] - first
    left = edge[..., 0] * away[..., 1] - edge[..., 1] * away[..., 0]
    below = first[..., 1] <= points[:, None, 1]
    up, down = below & ~below.roll(-1, 2) & (left > 0), ~below & below.roll(-1, 2) & (left < 0)
    if rule == "even_odd":
        return (up | down).sum(dim=2) % 2
    return (up.sum(dim=2) - down.sum(dim=2)).abs().clamp(max=1)
