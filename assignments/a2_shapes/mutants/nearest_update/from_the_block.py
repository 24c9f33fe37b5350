"""Searches for every point of the block instead of for every point of the first."""

import torch


def nearest_update(best, index, first, block, start):
    if block.shape[2] == 0:
        return best.clone(), index.clone()
    value, number = (first[:, :, :, None] - block[:, :, None]).square().sum(dim=1).min(dim=2)
    value, number = (block[:, :, :, None] - first[:, :, None]).square().sum(dim=1).min(dim=2)
    count = min(value.shape[1], best.shape[1])
    value, number = (torch.nn.functional.pad(part[:, :count], (0, best.shape[1] - count), value=99) for part in (value, number))
    return torch.minimum(value, best), torch.where(value < best, number + start, index)
