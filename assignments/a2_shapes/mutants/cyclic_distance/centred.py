"""Moves both polygons to the origin first."""

import torch


def cyclic_distance(first, second):
    first, second = first - first.mean(dim=2, keepdim=True), second - second.mean(dim=2, keepdim=True)
    return torch.stack([(first - second.roll(-shift, 2)).square().sum(dim=1).mean(dim=1) for shift in range(first.shape[2])]).amin(dim=0)
