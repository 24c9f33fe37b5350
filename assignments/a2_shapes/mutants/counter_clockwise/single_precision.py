"""Comes back in float32, whatever goes in."""

import torch


def counter_clockwise(polygons):
    x, y = (polygons - polygons.mean(dim=2, keepdim=True)).unbind(dim=1)
    area = (x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(dim=1)
    return torch.where((area < 0)[:, None, None], polygons.flip(2).roll(1, 2), polygons).float().to(polygons.dtype)
