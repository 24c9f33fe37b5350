"""Takes products of whole coordinates, which lose their digits far from the origin."""


def inside(points, polygons, rule):
    first = polygons.transpose(1, 2)[:, None]
    (a, b), (c, d), (x, y) = first.unbind(-1), first.roll(-1, 2).unbind(-1), points[:, None].unbind(-1)
    left = (c * y - d * x) - (a * y - b * x) + (a * d - b * c)
    below = first[..., 1] <= points[:, None, 1]
    up, down = below & ~below.roll(-1, 2) & (left > 0), ~below & below.roll(-1, 2) & (left < 0)
    if rule == "even_odd":
        return (up | down).sum(dim=2) % 2 == 1
    return up.sum(dim=2) != down.sum(dim=2)
