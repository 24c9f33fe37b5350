"""Reverses the list, so that the last vertex becomes the first."""

import torch


def counter_clockwise(polygons):
    x, y = (polygons - polygons.mean(dim=2, keepdim=True)).unbind(dim=1)
    area = (x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(dim=1)
    return torch.where((area < 0)[:, None, None], polygons.flip(2), polygons)
