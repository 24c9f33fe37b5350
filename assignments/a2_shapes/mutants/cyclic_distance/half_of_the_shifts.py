"""Tries the first half of the shifts only."""

import torch


def cyclic_distance(first, second):
    costs = torch.stack([(first - second.roll(-shift, 2)).square().sum(dim=1).mean(dim=1) for shift in range(first.shape[2])])
    return costs[: (first.shape[2] + 1) // 2].amin(dim=0)
