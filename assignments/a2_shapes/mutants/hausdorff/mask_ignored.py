"""Lets masked points be somebody's nearest."""

import torch


def farthest(a, b, keep_a, keep_b):
    table = torch.linalg.vector_norm(a[:, :, :, None] - b[:, :, None], dim=1)
    nearest = table.amin(dim=2)
    counts = keep_a & keep_b.any(dim=1)[:, None]
    return nearest.masked_fill(~counts, 0.0).amax(dim=1)


def hausdorff(first, second, first_mask, second_mask):
    there, back = farthest(first, second, first_mask, second_mask), farthest(second, first, second_mask, first_mask)
    return there, back
