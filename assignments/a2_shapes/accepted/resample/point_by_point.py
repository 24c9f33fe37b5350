"""A loop over outlines and points."""

from itertools import pairwise

import torch


def resample(polygons, count, closed=True):
    found = [one(polygon, count, closed) for polygon in polygons]
    return torch.stack(found) if found else polygons.new_zeros(0, 2, count)


def one(polygon, count, closed):
    corners = [*polygon.unbind(dim=1), *([polygon[:, 0]] if closed else [])]
    ways = [b - a for a, b in pairwise(corners)]
    lengths = [way.norm() for way in ways]
    total = sum(lengths, polygon.new_zeros(()))
    points = []
    for k in range(count):
        place = total * k / (count if closed else max(count - 1, 1))
        point = corners[0]
        for corner, way, length in zip(corners, ways, lengths):
            point = corner + torch.clamp(place / length, max=1.0) * way if length > 0 else corner
            if place < length:
                break
            place = place - length
        points.append(point)
    return torch.stack(points, dim=1)
