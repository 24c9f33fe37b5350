"""Computes in float32, whatever comes in."""

import torch


def farthest(a, b, keep_a, keep_b):
    table = torch.linalg.vector_norm(a[:, :, :, None] - b[:, :, None], dim=1)
    nearest = table.masked_fill(~keep_b[:, None], torch.inf).amin(dim=2)
    counts = keep_a & keep_b.any(dim=1)[:, None]
    return nearest.masked_fill(~counts, 0.0).amax(dim=1)


def hausdorff(first, second, first_mask, second_mask):
    first = first.masked_fill(~first_mask[:, None], 0.0)
    second = second.masked_fill(~second_mask[:, None], 0.0)
    dtype, first, second = first.dtype, first.float(), second.float()
    there, back = farthest(first, second, first_mask, second_mask), farthest(second, first, second_mask, first_mask)
    return there.to(dtype), back.to(dtype)
