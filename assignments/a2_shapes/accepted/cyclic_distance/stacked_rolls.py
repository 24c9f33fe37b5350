"""Stacks rolled differences, shift by shift."""

import torch


def cyclic_distance(first, second):
    costs = []
    for shift in range(first.shape[-1]):
        costs.append((first - torch.roll(second, shift, -1)).pow(2).sum(1).mean(1))
    return torch.stack(costs, dim=1).min(dim=1).values
