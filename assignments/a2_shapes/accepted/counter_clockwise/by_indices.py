"""Counts backwards modulo N where the area is negative."""

import torch


def counter_clockwise(polygons):
    x, y = (polygons - polygons[:, :, :1]).unbind(dim=1)
    area = ((x - x.roll(-1, 1)) * (y + y.roll(-1, 1))).sum(dim=1)
    step = torch.where(area < 0, -1, 1)
    order = (step[:, None] * torch.arange(polygons.shape[2])) % polygons.shape[2]
    return polygons.gather(2, order[:, None].expand_as(polygons))
