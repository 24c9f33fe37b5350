"""Tries the first half of the shifts only."""

import torch


def cyclic_distance_loop(first, second):
    costs = [(first - second.roll(-shift, dims=1)).square().sum(dim=0).mean() for shift in range((first.shape[1] + 1) // 2)]
    return torch.stack(costs).min()
