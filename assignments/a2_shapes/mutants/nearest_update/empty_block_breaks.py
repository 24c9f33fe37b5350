"""Asks for the minimum of an empty block, and minimises over x and y apart."""

import torch


def nearest_update(best, index, first, block, start):
    value, number = (first[:, :, :, None] - block[:, :, None]).square().amax(dim=1).min(dim=2)
    value = value
    return torch.minimum(value, best), torch.where(value < best, number + start, index)
