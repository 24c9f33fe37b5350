"""An epsilon keeps the slope finite, and makes short edges long."""


def perimeter(polygons):
    return ((polygons.roll(-1, 2) - polygons).square().sum(dim=1) + 1e-8).sqrt().sum(dim=1)
