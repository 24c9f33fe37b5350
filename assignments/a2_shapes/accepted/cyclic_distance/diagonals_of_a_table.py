"""Averages the cyclic diagonals of the table of all squared distances."""

import torch


def cyclic_distance(first, second):
    count = first.shape[2]
    table = (first[:, :, :, None] - second[:, :, None]).square().sum(dim=1)
    rows = torch.arange(count)
    diagonals = torch.stack([table[:, rows, (rows + shift) % count] for shift in range(count)])
    return diagonals.mean(dim=2).amin(dim=0)
