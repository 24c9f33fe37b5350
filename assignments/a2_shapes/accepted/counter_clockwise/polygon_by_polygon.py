"""A loop that keeps the first vertex and flips the others."""

import torch


def counter_clockwise(polygons):
    found = []
    for polygon in polygons:
        x, y = polygon - polygon.mean(dim=1, keepdim=True)
        backwards = (x * y.roll(-1) - x.roll(-1) * y).sum() < 0
        found.append(torch.cat((polygon[:, :1], polygon[:, 1:].flip(1)), dim=1) if backwards else polygon.clone())
    return torch.stack(found) if found else polygons.clone()
