"""Expands the square, and loses its digits far from the origin."""

import torch


def chamfer(first, second, first_mask, second_mask):
    first, second = (torch.where(mask[:, None], part, 0.0) for part, mask in ((first, first_mask), (second, second_mask)))
    table = (first.square().sum(1)[:, :, None] + second.square().sum(1)[:, None] - 2 * first.mT @ second).clamp(min=0)
    there = torch.where(second_mask[:, None], table, torch.inf).amin(dim=2)
    back = torch.where(first_mask[:, :, None], table, torch.inf).amin(dim=1)
    some = first_mask.any(dim=1) & second_mask.any(dim=1)
    there, back = (
        torch.where(mask & some[:, None], d, 0.0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        for d, mask in ((there, first_mask), (back, second_mask))
    )
    return there + back
