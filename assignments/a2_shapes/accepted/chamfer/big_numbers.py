"""Fills masked pairs with infinity, and takes care of empty sets."""

import torch


def chamfer(first, second, first_mask, second_mask):
    first = torch.where(first_mask[:, None], first, 0.0)
    second = torch.where(second_mask[:, None], second, 0.0)
    table = (first[:, :, :, None] - second[:, :, None]).square().sum(dim=1)
    both = first_mask[:, :, None] & second_mask[:, None]
    there = torch.where(both, table, torch.inf).amin(dim=2)
    back = torch.where(both, table, torch.inf).amin(dim=1)
    total = 0
    for nearest, mask in ((there, first_mask), (back, second_mask)):
        counted = torch.where(nearest.isfinite() & mask, nearest, 0.0)
        total = total + counted.sum(dim=1) / mask.sum(dim=1).clamp(min=1)
    return total
