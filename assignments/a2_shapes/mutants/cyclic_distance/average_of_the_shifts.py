"""Averages over the shifts."""

import torch


def cyclic_distance(first, second):
    costs = torch.stack([(first - second.roll(-shift, 2)).square().sum(dim=1).mean(dim=1) for shift in range(first.shape[2])])
    return costs.mean(dim=0)
