"""A loop over polygons and edges, with triangles around the first vertex."""

import torch


def signed_area(polygons):
    areas = []
    for polygon in polygons:
        total = polygon.new_zeros(())
        (a, b), count = polygon[:, 0], polygon.shape[1]
        for n in range(count):
            x, y = polygon[:, n]
            u, v = polygon[:, (n + 1) % count]
            total = total + (x - a) * (v - b) - (u - a) * (y - b)
        areas.append(total / 2)
    return torch.stack(areas) if areas else polygons.sum(dim=(1, 2))
