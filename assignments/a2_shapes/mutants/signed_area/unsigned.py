"""Forgets that an area has a sign."""


def signed_area(polygons):
    x, y = (polygons - polygons.mean(dim=2, keepdim=True)).unbind(dim=1)
    return (x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(dim=1).abs() / 2
