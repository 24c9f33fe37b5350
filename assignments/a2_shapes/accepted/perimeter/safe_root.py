"""The root is taken of 1 where there is nothing to take it of."""

import torch


def perimeter(polygons):
    squared = (torch.cat((polygons[:, :, 1:], polygons[:, :, :1]), dim=2) - polygons).square().sum(dim=1)
    some = squared > 0
    return torch.where(some, torch.where(some, squared, 1.0).sqrt(), 0.0).sum(dim=1)
