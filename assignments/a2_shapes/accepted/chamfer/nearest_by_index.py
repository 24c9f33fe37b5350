"""Searches without gradients, and measures to the nearest points that were found."""

import math

import torch


def one_way(a, b, keep_a, keep_b):
    with torch.no_grad():
        table = (a[:, :, :, None] - b[:, :, None]).square().sum(dim=1)
        number = table.masked_fill(~keep_b[:, None], math.inf).nan_to_num(nan=math.inf).argmin(dim=2)
    nearest = torch.gather(b, 2, number[:, None].expand(-1, 2, -1))
    counts = (keep_a & keep_b.any(dim=1, keepdim=True))[:, None]
    away = torch.where(counts, a, 0.0) - torch.where(counts, nearest, 0.0)
    return away.square().sum(dim=(1, 2)) / keep_a.sum(dim=1).clamp(min=1)


def chamfer(first, second, first_mask, second_mask):
    return one_way(first, second, first_mask, second_mask) + one_way(second, first, second_mask, first_mask)
