"""Compares vertex with vertex instead of with the nearest."""

import torch


def chamfer(first, second, first_mask, second_mask):
    first, second = (torch.where(mask[:, None], part, 0.0) for part, mask in ((first, first_mask), (second, second_mask)))
    table = (first[:, :, :, None] - second[:, :, None]).square().sum(dim=1)
    there = torch.where(second_mask[:, None], table, torch.inf).amin(dim=2)
    back = torch.where(first_mask[:, :, None], table, torch.inf).amin(dim=1)
    count = min(first.shape[2], second.shape[2])
    both = first_mask[:, :count] & second_mask[:, :count]
    return 2 * torch.where(both, (first[..., :count] - second[..., :count]).square().sum(1), 0.0).sum(1) / both.sum(1).clamp(min=1) + 0 * (
        there.nan_to_num(posinf=0).sum() + back.nan_to_num(posinf=0).sum()
    )
