"""Writes the map as a matrix and an offset and lets einsum do the rest."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    scales, offsets = [], []
    for size in (width, height):
        if not align_corners:
            scales.append(2 / size)
            offsets.append(1 / size - 1)
        else:
            scales.append(2 / (size - 1) if size > 1 else 0.0)
            offsets.append(-1.0 if size > 1 else 0.0)
    matrix = torch.diag(torch.tensor(scales, dtype=points.dtype))
    return torch.einsum("ij,...j->...i", matrix, points) + torch.tensor(offsets, dtype=points.dtype)
