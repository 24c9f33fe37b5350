"""Moves masked points to the origin, where they may be somebody's nearest."""

import torch


def chamfer(first, second, first_mask, second_mask):
    first, second = (torch.where(mask[:, None], part, 0.0) for part, mask in ((first, first_mask), (second, second_mask)))
    table = (first[:, :, :, None] - second[:, :, None]).square().sum(dim=1)
    there = table.amin(dim=2)
    back = table.amin(dim=1)
    some = first_mask.any(dim=1) & second_mask.any(dim=1)
    there, back = (
        torch.where(mask & some[:, None], d, torch.zeros_like(d)).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        for d, mask in ((there, first_mask), (back, second_mask))
    )
    return there + back
