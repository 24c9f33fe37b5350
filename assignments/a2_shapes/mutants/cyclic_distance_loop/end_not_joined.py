"""Compares overlapping vertices only, as if the polygon were open."""

import torch


def cyclic_distance_loop(first, second):
    count = first.shape[1]
    return torch.stack([(first[:, : count - k] - second[:, k:]).square().sum(dim=0).mean() for k in range(count)]).min()
