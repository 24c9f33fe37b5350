"""An edge owns both its ends, so that a vertex on the ray is met twice."""


def inside(points, polygons, rule):
    first = polygons.transpose(1, 2)[:, None]
    second = first.roll(-1, 2)
    x, y = points[:, None].unbind(dim=-1)
    (a, b), (c, d) = first.unbind(dim=-1), second.unbind(dim=-1)
    left = (c - a) * (y - b) - (d - b) * (x - a)
    up, down = (b <= y) & (y <= d) & (left > 0), (d <= y) & (y <= b) & (left < 0)
    if rule == "even_odd":
        return (up | down).sum(dim=2) % 2 == 1
    return up.sum(dim=2) != down.sum(dim=2)
