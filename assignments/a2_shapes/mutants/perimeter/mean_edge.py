"""The mean length of an edge."""

import torch


def perimeter(polygons):
    return torch.linalg.vector_norm(polygons.roll(-1, 2) - polygons, dim=1).mean(dim=1)
