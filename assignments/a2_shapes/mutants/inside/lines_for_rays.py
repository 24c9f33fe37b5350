"""Counts the edges on both sides of the point."""


def inside(points, polygons, rule):
    first = polygons.transpose(1, 2)[:, None]
    below = first[..., 1] <= points[:, None, 1]
    up, down = below & ~below.roll(-1, 2), ~below & below.roll(-1, 2)
    if rule == "even_odd":
        return (up | down).sum(dim=2) % 2 == 1
    return up.sum(dim=2) != down.sum(dim=2)
