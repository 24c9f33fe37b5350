"""Adds up squared lengths."""


def perimeter(polygons):
    return (polygons.roll(-1, 2) - polygons).square().sum(dim=(1, 2))
