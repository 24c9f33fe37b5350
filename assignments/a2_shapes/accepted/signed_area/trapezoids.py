"""Trapezoids between the outline and a line through the first vertex."""


def signed_area(polygons):
    x, y = (polygons - polygons[:, :, :1]).unbind(dim=1)
    return ((x - x.roll(-1, 1)) * (y + y.roll(-1, 1))).sum(dim=1) / 2
