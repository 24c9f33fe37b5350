"""The root of a sum of squares, whose slope at zero is infinite."""


def perimeter(polygons):
    return (polygons.roll(-1, 2) - polygons).square().sum(dim=1).sqrt().sum(dim=1)
