"""Computes in float32, whatever comes in."""

import torch


def cyclic_distance(first, second):
    a, b = first.float(), second.float()
    return torch.stack([(a - b.roll(-k, 2)).square().sum(dim=1).mean(dim=1) for k in range(a.shape[2])]).amin(dim=0).to(first.dtype)
