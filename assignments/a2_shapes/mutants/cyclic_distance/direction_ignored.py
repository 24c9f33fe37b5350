"""Tries the second polygon backwards, too."""

import torch


def cyclic_distance(first, second):
    both = [second, second.flip(2)]
    costs = [(first - one.roll(-shift, 2)).square().sum(dim=1).mean(dim=1) for one in both for shift in range(first.shape[2])]
    return torch.stack(costs).amin(dim=0)
