"""Joins what was found to the block, and takes the first minimum."""

import torch


def nearest_update(best, index, first, block, start):
    table = (first[:, :, :, None] - block[:, :, None]).square().sum(dim=1)
    everything = torch.cat((best[:, :, None], table), dim=2)
    value = everything.amin(dim=2)
    # the first of several: the smallest place where the minimum is reached.
    place = torch.where(everything == value[:, :, None], torch.arange(everything.shape[2]), everything.shape[2]).amin(dim=2)
    return value, torch.where(place == 0, index, start + place - 1)
