"""Asks how far a pixel lies between the one at -1 and the one at +1."""

import torch
from torch import Tensor


def pixel_to_norm(points: Tensor, height: int, width: int, align_corners: bool) -> Tensor:
    columns = []
    for pixel, size in zip(points.unbind(-1), (width, height)):
        first, last = (0.0, size - 1.0) if align_corners else (-0.5, size - 0.5)
        if first == last:
            columns.append(torch.zeros_like(pixel))
        else:
            columns.append((pixel - first) / (last - first) - (last - pixel) / (last - first))
    return torch.stack(columns, dim=-1)
